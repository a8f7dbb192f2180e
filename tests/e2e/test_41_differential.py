"""Every query against a slow, obvious computation over the same random writes; tests/chaos/reads does more of it."""

import random

import pytest
from support import world as worlds
from support.databases import connect_mysql

SEED = 41
WRITES = 300


@pytest.fixture(scope="module")
def world(command, query, stack):
    mysql = connect_mysql(stack)
    world = worlds.World(command, mysql, random.Random(SEED))
    worlds.write(world, query, WRITES)
    mysql.close()
    return world


@pytest.mark.parametrize("comparison", worlds.COMPARISONS, ids=lambda comparison: comparison.__name__)
def test_what_queries_say_is_what_was_written(comparison, world, query):
    comparison(world, query)
