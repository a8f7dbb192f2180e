"""What a projector has to survive: killed, stopped and replaced, its position moved, its log wiped, its servers restarted,
the truth set back, all while writers book.

After each play the read model equals the truth, by `projector verify` and by a comparison of all rows that is written
another way; every write that was answered with success is there; and as_of has never moved back. Run:
tests/chaos/projector --help
"""

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from confluent_kafka.admin import AdminClient
from stacklib import connector
from stacklib.programs import TOPIC
from stacklib.stack import Stack
from support import programs, truth
from support.api import Command, Service
from support.databases import connect_mysql, connect_postgres
from support.load import Load, lost
from support.times import on
from support.waiting import PATIENCE_SECONDS, eventually

from . import stage

KILLS = 100
_SERVING = "FROM projection.position p JOIN projection.generation g USING (generation) WHERE g.state = 'serving'"


class Play:
    """A pipeline that runs, and what the plays do to it."""

    def __init__(self, stack: Stack, seed: int, kills: int = KILLS):
        self.stack = stack
        self.rng = random.Random(seed)
        self.kills = kills
        self.projector = Service(stack.projector.url)
        self.command = Command(stack.command_svc.url)
        self.promised: dict[str, int] = {}

    # ---- looking ----

    def ask(self, columns: str):
        """Of the serving generation's position; None while PostgreSQL is away."""
        try:
            with connect_postgres(self.stack) as pg:
                row = pg.execute(f"SELECT {columns} {_SERVING}").fetchone()
                return row[0] if row else None
        except psycopg.OperationalError:
            return None

    def offset(self) -> int:
        return self.ask("next_offset") or 0

    def metric(self, name: str) -> float:
        return self.projector.metrics().value(name)

    def progress(self, messages: int) -> None:
        """Waits until so many more have been applied."""
        goal = self.offset() + messages
        eventually(lambda: self.offset() >= goal, PATIENCE_SECONDS, 0.002)

    def replaced(self) -> int:
        """How often a replaced log has been told; the counter does not outlive a projector."""
        return self.stack.projector.log.read_text(errors="replace").count("ALARM: the log was replaced")

    # ---- doing ----

    @contextmanager
    def writers(self) -> Iterator[Load]:
        """Four that book all the time; what they were promised counts in the end. They may be told to come again (a snapshot
        keeps writes out of MySQL for a moment), and then no longer know what is there."""
        with Load(self.stack.command_svc.url, writers=4, refused=(503, 409, 412)) as load:
            eventually(lambda: load.done > 20, PATIENCE_SECONDS)
            yield load
            reached = load.done + 20
            eventually(lambda: load.done > reached, PATIENCE_SECONDS)
        assert load.problems == [], load.problems[:3]
        self.promised |= load.promised

    @contextmanager
    def honest_as_of(self) -> Iterator[None]:
        """It never moves back, and stands still while the log is unproven."""
        over = threading.Event()
        back: list[str] = []

        def look() -> None:
            try:
                watch()
            except Exception as error:
                back.append(f"unseen: {error!r}")

        def watch() -> None:
            newest = unproven = None
            while not over.wait(0.02):
                as_of, since = self.ask("array[as_of, unproven_since]") or (None, None)
                if as_of and newest and as_of < newest:
                    back.append(f"back, {newest} → {as_of}")
                if since and since == unproven and as_of != newest:
                    back.append(f"on while the log is unproven, {newest} → {as_of}")
                newest, unproven = as_of or newest, since

        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(30)
        assert back == [], f"as_of moved: {back[:3]}"

    def rebuild(self) -> None:
        ended = programs.run(self.stack, "projector", "rebuild", seconds=PATIENCE_SECONDS)
        assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-2000:]

    def settle(self) -> None:
        """All is well again by itself, and nothing is missing."""
        self.stack.projector.await_ready(PATIENCE_SECONDS)
        mysql = connect_mysql(self.stack)
        try:
            with mysql.cursor() as cursor:
                cursor.execute("SELECT UTC_TIMESTAMP(6)")
                (now,) = cursor.fetchone()
            as_of = "as_of AT TIME ZONE 'UTC'"
            eventually(lambda: (self.ask(as_of) or now) > now, PATIENCE_SECONDS)
            ended = programs.run(self.stack, "projector", "verify", seconds=PATIENCE_SECONDS)
            assert ended.returncode == 0, ended.stdout[-4000:] + ended.stderr[-4000:]
            with connect_postgres(self.stack) as pg:
                found = truth.differences(mysql, pg)
            assert found == [], found
            missing = lost(self.promised, mysql)
            assert missing == [], f"lost: {missing[:3]}"
        finally:
            mysql.close()


# ---- the plays ----


def killed(play: Play) -> None:
    """kill -9 at random, sometimes in its first batch after the start, which is a large one."""
    with play.writers():
        for _ in range(play.kills):
            play.progress(play.rng.choice([1, 1, 5, 20, 60]))
            play.stack.projector.kill()
            play.stack.projector.launch()


def replaced_by_a_second(play: Play) -> None:
    """SIGSTOP, replaced by a second one, resumed: the first may change nothing, and takes over when the second ends."""
    first = play.stack.projector
    with play.writers(), tempfile.TemporaryDirectory() as folder:
        play.progress(20)
        first.kill(signal.SIGSTOP)
        try:
            with programs.Program(play.stack, "projector", Path(folder), awaits="/livez"):
                play.progress(50)
                told = _told(play, "standing by")
                first.kill(signal.SIGCONT)
                eventually(lambda: _told(play, "standing by") > told, PATIENCE_SECONDS)
                play.progress(20)
        finally:
            first.kill(signal.SIGCONT)
        play.progress(20)


def _told(play: Play, words: str) -> int:
    return play.stack.projector.log.read_text(errors="replace").count(words)


def position_moved(play: Play) -> None:
    """By hand, back and forth: it counts in no log any more, so all of it is read again."""
    with play.writers():
        for move in ("next_offset - 40", "0", "next_offset + 1000000", "next_offset + 3"):
            before = play.replaced()
            with connect_postgres(play.stack) as pg:
                pg.execute(
                    f"UPDATE projection.position p SET next_offset = {move} FROM projection.generation g"
                    " WHERE g.generation = p.generation AND g.state = 'serving'"
                )
            eventually(lambda before=before: play.replaced() > before, PATIENCE_SECONDS)
            play.progress(20)


def log_wiped(play: Play) -> None:
    """Kafka loses everything, the connector's offsets too, while the projector runs; the connector takes a snapshot."""
    before = play.replaced()
    with play.writers():
        play.stack.stop(["connect", "kafka"])
        subprocess.run(["rm", "-rf", str(play.stack.kafka.data)], check=True)
        play.stack.start(["kafka", "connect"])
        play.stack.ensure_connector()
        eventually(lambda: play.replaced() > before, PATIENCE_SECONDS)
        eventually(lambda: play.ask("unproven_since IS NULL"), PATIENCE_SECONDS)


def topic_made_anew(play: Play) -> None:
    """The topic is deleted, with what had not been read of it; the connector goes on where it was, in a new one."""
    before = play.replaced()
    with play.writers():
        play.stack.stop(["projector"])
        play.stack.stop(["connect"])
        admin = AdminClient({"bootstrap.servers": play.stack.kafka.bootstrap})
        admin.delete_topics([TOPIC])[TOPIC].result(30)
        play.stack.start(["connect"])
        play.stack.projector.launch()
        eventually(lambda: play.replaced() > before, PATIENCE_SECONDS)


def connector_offsets_lost(play: Play) -> None:
    """A snapshot comes into a read model that has data: nothing changes, and as_of stands still until it is proven."""
    with play.writers():
        connector.forget_offsets(play.stack)
        eventually(lambda: play.ask("unproven_since IS NOT NULL"), PATIENCE_SECONDS)
        eventually(lambda: play.ask("unproven_since IS NULL"), PATIENCE_SECONDS)


def servers_restarted(play: Play) -> None:
    """PostgreSQL, the broker and the worker, in good order and killed."""
    with play.writers():
        for name in ("postgres", "kafka", "connect"):
            for end in (play.stack.stop, lambda names: play.stack.kill(names[0])):
                play.progress(20)
                end([name])
                play.stack.start([name])
                play.stack.ensure_connector()
                play.progress(20)


def truth_set_back(play: Play) -> None:
    """MySQL is restored from an older copy and goes on differently: nothing more is applied until an operator acts, who here
    takes the restored copy for right."""
    mysql = play.stack.mysql
    copy = mysql.folder / "copy"
    booked = play.command.reserve(play.command.create_room(), on(2, "10:00"), on(2, "11:00"), "ann")
    with _mysql_down(play):
        subprocess.run(["cp", "-a", str(mysql.data), str(copy)], check=True)
    lost_one = booked
    for n in range(20):
        lost_one = play.command.change(lost_one, title=f"lost {n}")
    play.settle()
    with _mysql_down(play):
        subprocess.run(["rm", "-rf", str(mysql.data)], check=True)
        copy.rename(mysql.data)
    play.promised.clear()
    play.command.change(booked, title="kept")
    play.stack.restart(["connect"])
    play.stack.ensure_connector()
    eventually(lambda: play.ask("halted") == "rewound", PATIENCE_SECONDS)
    stood = play.ask("array[next_offset::text, as_of::text]")
    eventually(lambda: play.metric("rr_projector_rewound") == 1, PATIENCE_SECONDS)
    assert not play.projector.is_ready()
    assert "ALARM: the truth was set back" in play.stack.projector.log.read_text(errors="replace")
    booked = play.command.reservation(booked)
    play.command.change(booked, title="kept, again")
    assert play.ask("array[next_offset::text, as_of::text]") == stood
    play.rebuild()
    assert play.ask("halted IS NULL AND unproven_since IS NULL")


@contextmanager
def _mysql_down(play: Play) -> Iterator[None]:
    play.stack.stop(["mysql"])
    yield
    play.stack.start(["mysql"])
    eventually(play.command.is_ready, PATIENCE_SECONDS)


PLAYS: tuple[Callable[[Play], None], ...] = (
    killed,
    replaced_by_a_second,
    log_wiped,  # what other tests have left in it would come again with the next ones
    position_moved,
    topic_made_anew,
    connector_offsets_lost,
    servers_restarted,
    truth_set_back,
)


def perform(play: Play, act: Callable[[Play], None]) -> None:
    """One play, and what has to hold after it; an AssertionError if it does not."""
    with play.honest_as_of():
        act(play)
        play.settle()


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kills", type=int, default=KILLS, help=f"of the projector (default: {KILLS})")


if __name__ == "__main__":
    sys.exit(
        stage.main(
            "projector",
            __doc__,
            PLAYS,
            begin=lambda stack, args: Play(stack, args.seed, args.kills),
            perform=perform,
            options=options,
        )
    )
