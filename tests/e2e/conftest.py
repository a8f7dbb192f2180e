"""One stack of real servers for the session, and the words that the tests are written in.

Each test makes rooms and users of its own, so tests disturb nobody and run in any order. The files are numbered: the
basic things first, so that the first failure points at the cause; those that break servers come last.
"""

import os
import signal
from pathlib import Path

import pytest
from stacklib.errors import StackError
from stacklib.stack import REPO, Stack
from support import programs
from support.api import Command, Query, Service, unique
from support.databases import connect_mysql, connect_postgres
from support.given import Given
from support.letters import Letters
from support.topic import Topic
from support.waiting import PATIENCE_SECONDS, eventually

FOLDER = REPO / ".test/stack"
PRESET = os.environ.get("RR_TEST_PRESET", "asan")
KEEP = bool(os.environ.get("RR_TEST_KEEP"))
# The addresses and passwords of a deployment that runs already, as a file like .run/env: for tests that need no more.
GIVEN = os.environ.get("RR_TEST_ENV")
PROGRAMS = ("command-svc", "query-svc", "projector")

# Handed on to the programs; a report ends the program, and the log is looked at after each test.
os.environ.setdefault("ASAN_OPTIONS", "detect_stack_use_after_return=1:strict_string_checks=1:exitcode=99")
os.environ.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
os.environ.setdefault("RR_LOG_LEVEL", "info")


def pytest_configure(config):
    # Whoever stops us gets an orderly end, with all servers stopped, even where Ctrl-C is ignored for background jobs.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def stack():
    if GIVEN:
        yield Given(Path(GIVEN))
        return
    if not KEEP and (FOLDER / "ports.json").exists():
        Stack(FOLDER, ports="auto", preset=PRESET).wipe()
    stack = Stack(FOLDER, ports="auto", preset=PRESET)
    for server in stack.servers.values():
        server.start_seconds = max(server.start_seconds, PATIENCE_SECONDS)
    try:
        try:
            stack.up()
        except StackError as error:
            pytest.exit(f"the stack does not start: {error}", returncode=1)
        yield stack
    finally:
        statuses = {} if KEEP else stack.stop()
    for name in PROGRAMS:
        assert statuses.get(name) in (0, None), f"{name} ended with {statuses[name]}: {stack.server(name).log}"
        report = programs.UNSOUND.search(stack.server(name).log_since_start())
        assert not report, f"{name}: {report[0]}, see {stack.server(name).log}"


@pytest.fixture(autouse=True)
def programs_stay_sound(request):
    """No test may leave a sanitizer's report or a BUG line in a program's log."""
    if "stack" not in request.fixturenames or GIVEN:
        yield
        return
    logs = {name: request.getfixturevalue("stack").server(name).log for name in PROGRAMS}
    offsets = {name: log.stat().st_size for name, log in logs.items() if log.exists()}
    request.node.program_logs = [(name, logs[name], offset) for name, offset in offsets.items()]
    yield
    for name, log, offset in request.node.program_logs:
        text = _written_since(log, offset)
        report = programs.UNSOUND.search(text)
        assert not report, f"{name}: {text[report.start() :][:4000]}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows what the programs logged meanwhile."""
    report = yield
    if report.failed:
        for name, log, offset in getattr(item, "program_logs", []):
            lines = _written_since(log, offset).splitlines()[-25:]
            if lines:
                report.sections.append((f"{name} logged", "\n".join(lines)))
    return report


def _written_since(log: Path, offset: int) -> str:
    with open(log, "rb") as file:
        file.seek(offset)
        return file.read().decode(errors="replace")


@pytest.fixture(scope="session")
def command(stack) -> Command:
    return Command(stack.command_svc.url)


@pytest.fixture(scope="session")
def query(stack) -> Query:
    return Query(stack.query_svc.url)


@pytest.fixture(scope="session")
def projector(stack) -> Service:
    return Service(stack.projector.url)


@pytest.fixture
def mysql(stack):
    """The truth, by hand: a connection as administrator, each statement a transaction of its own."""
    connection = connect_mysql(stack)
    yield connection
    connection.close()


@pytest.fixture
def pg(stack):
    """The read model, by hand: a connection as administrator."""
    with connect_postgres(stack) as connection:
        yield connection


@pytest.fixture
def unlogged(mysql):
    """Runs SQL on the truth that the topic never hears of."""
    with mysql.cursor() as cursor:
        cursor.execute("SET sql_log_bin = 0")
        yield cursor.execute


@pytest.fixture(scope="session")
def topic(stack) -> Topic:
    return Topic(stack)


@pytest.fixture
def letters(stack, pg, projector):
    """At the end nothing is parked or skipped, the breaker is closed, and the read model is mended."""
    letters = Letters(stack)
    yield letters
    letters.run("resume", expect=None)
    with pg.transaction():
        pg.execute("SELECT FROM projection.position FOR UPDATE")
        left = pg.execute("DELETE FROM projection.dead_letter").rowcount
        pg.execute("UPDATE projection.position SET parked_epoch = parked_epoch + 1")
    eventually(projector.is_ready, 60)
    if left:
        programs.run(stack, "projector", "verify", "--repair", seconds=120)


@pytest.fixture
def user() -> str:
    return unique("user")


@pytest.fixture
def room(command):
    return command.create_room()


@pytest.fixture
def caught_up(query, mysql):
    """Waits until the read model includes all that is committed now."""

    def wait(seconds: float = 30):
        with mysql.cursor() as cursor:
            cursor.execute("SELECT DATE_FORMAT(UTC_TIMESTAMP(6), '%Y-%m-%dT%H:%i:%s.%fZ')")
            (now,) = cursor.fetchone()
        eventually(
            lambda: query.get("/v1/rooms", params={"limit": 1}).headers.get("Projection-As-Of", "") > now, seconds
        )

    return wait
