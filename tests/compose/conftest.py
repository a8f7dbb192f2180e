"""docker compose up, once for all tests, which run in the order of their names: the last ones take everything down."""

import signal
import sys

import pytest
from stacklib.stack import REPO

# The words of the end-to-end tests.
sys.path.append(str(REPO / "tests/e2e"))

from engine import Engine  # noqa: E402
from project import Project  # noqa: E402
from standins import StandIns  # noqa: E402

LOGS = REPO / ".test/logs"
LOG = LOGS / "compose-engine.log"


def pytest_configure(config):
    # Whoever stops us gets an orderly end, with the engine stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def engine():
    LOGS.mkdir(parents=True, exist_ok=True)
    LOG.unlink(missing_ok=True)
    with Engine(LOG) as engine:
        yield engine


@pytest.fixture(scope="session")
def standins(engine):
    standins = StandIns(engine)
    standins.make()
    yield standins
    if not engine.own:
        standins.remove()


@pytest.fixture(scope="session")
def project(engine, standins):
    project = Project(engine)
    project.compose("down", "--volumes", "--remove-orphans")
    for log in LOGS.glob("compose-[cs]*.log"):
        log.unlink()
    try:
        project.compose("build")
        project.up()
        yield project
    finally:
        project.down("--volumes", "--remove-orphans")
