"""What reads have to survive: lists that are walked while writes go on, generations that change, a PostgreSQL that restarts; and
what each query says, against a slow, obvious computation over the same random writes.

No reader is told anything that was never so, or that is older than what was promised before it asked; nothing but 503
while PostgreSQL is away. After each play the read model equals the truth. Run: tests/chaos/reads --help
"""

import argparse
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass

from stacklib.stack import Stack
from support import walks, world
from support.api import Query
from support.databases import connect_mysql, connect_postgres
from support.generations import switch_to_a_copy
from support.load import Load
from support.outages import reconnects
from support.readers import Readers
from support.waiting import PATIENCE_SECONDS, eventually

from . import projector, stage

MINUTES = 30


@dataclass(frozen=True)
class Lengths:
    """Of a play."""

    walks: int  # through each list
    switches: int
    restarts: int  # of each kind
    worlds: int
    readers: int


SHORT = Lengths(walks=6, switches=3, restarts=2, worlds=1, readers=4)
FULL = Lengths(walks=12, switches=10, restarts=5, worlds=3, readers=16)
WRITES_OF_A_WORLD = 300  # more find no free time


class Play(projector.Play):
    def __init__(self, stack: Stack, seed: int, lengths: Lengths):
        super().__init__(stack, seed)
        self.query = Query(stack.query_svc.url)
        self.lengths = lengths

    def seed(self) -> int:
        return self.rng.randrange(10**6)

    def readers(self, load: Load, refused: tuple[int, ...] = ()) -> Readers:
        return Readers(self.query.url, load, self.lengths.readers, refused)


def walked(play: Play) -> None:
    """Lists, page by page, while writes go on between and behind the cursors: what stands still is met exactly once."""
    for walk in walks.WALKS:
        for limit in (2, 7):
            scene = walks.Scene(play.command, play.query, play.seed())
            scene.walk(walk, play.lengths.walks, limit)


def generations_switched(play: Play) -> None:
    """Another generation takes over while everybody reads and writes: nobody notices."""
    before = play.query.read("/v1/projection")["generation"]
    with Load(play.stack.command_svc.url, writers=2) as load, play.readers(load) as readers:
        for n in range(play.lengths.switches):
            written, read = load.done + 20, readers.done + 50
            eventually(lambda w=written, r=read: load.done > w and readers.done > r, PATIENCE_SECONDS)
            if n % 2:
                play.rebuild()  # which drops what the switches before have left
            else:
                with connect_postgres(play.stack) as pg:
                    switch_to_a_copy(pg)
        read = readers.done + 50
        eventually(lambda: readers.done > read, PATIENCE_SECONDS)
    assert (readers.problems, load.problems) == ([], [])
    assert play.query.read("/v1/projection")["generation"] >= before + play.lengths.switches
    play.promised |= load.promised


def postgres_restarted(play: Play) -> None:
    """In good order and killed, while everybody reads: they are told 503 until it is back, and nothing wrong."""
    ends = (lambda: play.stack.stop(["postgres"]), lambda: play.stack.kill("postgres"))
    with (
        reconnects(play.query),
        Load(play.stack.command_svc.url, writers=1) as load,
        play.readers(load, refused=(503,)) as readers,
    ):
        for end in ends * play.lengths.restarts:
            reached, refused = readers.done + 50, readers.refusals
            eventually(lambda reached=reached: readers.done > reached, PATIENCE_SECONDS)
            end()
            try:
                eventually(lambda refused=refused: readers.refusals > refused, PATIENCE_SECONDS)
            finally:
                play.stack.start(["postgres"])
        reached = readers.done + 50
        eventually(lambda: readers.done > reached, PATIENCE_SECONDS)
    assert (readers.problems, load.problems) == ([], [])
    play.promised |= load.promised


def compared(play: Play) -> None:
    """Each query, with what a slow and obvious computation over the same random writes says."""
    mysql = connect_mysql(play.stack)
    try:
        for _ in range(play.lengths.worlds):
            one = world.World(play.command, mysql, random.Random(play.seed()))
            world.write(one, play.query, WRITES_OF_A_WORLD)
            for comparison in world.COMPARISONS:
                comparison(one, play.query)
    finally:
        mysql.close()


PLAYS: tuple[Callable[[Play], None], ...] = (compared, walked, generations_switched, postgres_restarted)


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--short", action="store_true", help="plays as short as those of scripts/test")


if __name__ == "__main__":
    sys.exit(
        stage.main(
            "reads",
            __doc__,
            PLAYS,
            begin=lambda stack, args: Play(stack, args.seed, SHORT if args.short else FULL),
            perform=projector.perform,
            options=options,
            minutes=MINUTES,
        )
    )
