"""docker compose up, once for all tests, which run in the order of their names: the last ones take everything down."""

import signal
import sys

import pytest
from stacklib.stack import REPO
from stacklib.tasks import Tasks

# The words of the end-to-end tests.
sys.path.append(str(REPO / "tests/e2e"))

from engine import Engine, NoEngine  # noqa: E402
from project import BASES, OURS, Project  # noqa: E402
from standins import StandIns  # noqa: E402

LOGS = REPO / ".test/logs"
LOG = LOGS / "compose-engine.log"


def pytest_addoption(parser):
    parser.addoption(
        "--where-docker-runs",
        action="store_true",
        help="skip the tests, and say why, where no container can be run",
    )


def pytest_configure(config):
    """Whoever stops us gets an orderly end, with the engine stopped; asking again does not shorten it."""

    def end(number, frame):
        signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)


@pytest.fixture(scope="session")
def engine():
    with Engine(LOG) as engine:
        yield engine


@pytest.fixture(scope="session")
def images(engine):
    """All that docker-compose.yml names, each made as soon as what it needs is there. An engine that is not ours is left with those
    that it had."""
    project, standins = Project(engine), StandIns(engine)
    ours = [image for image in OURS if not engine.has(image)]
    try:
        with Tasks() as tasks:
            made = standins.make(tasks)
            tasks.go(project.build, *(made[base] for base in BASES))
        yield
    finally:
        if not engine.own:
            standins.remove()
            for image in ours:
                engine.docker("image", "rm", image, check=False)


@pytest.fixture(scope="session")
def project(engine, images):
    project = Project(engine)
    project.compose("down", "--volumes", "--remove-orphans")
    try:
        project.up()
        yield project
    finally:
        project.down("--volumes", "--remove-orphans")


@pytest.fixture(scope="session", autouse=True)
def somewhere_to_run(request):
    """Without an engine there is no test to fail: there is one thing to say."""
    LOGS.mkdir(parents=True, exist_ok=True)
    for log in LOGS.glob("compose-*.log"):
        log.unlink()
    try:
        request.getfixturevalue("images")
    except NoEngine as error:
        if request.config.getoption("--where-docker-runs"):
            pytest.skip(f"no containers on this machine: {error}")
        pytest.exit(f"no containers on this machine: {error}", returncode=1)
