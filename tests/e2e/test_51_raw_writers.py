"""Many sessions that type SQL at once, at each isolation level, with all the statements that could double-book a room, beside
clients of command-svc. The triggers are all that stands in their way. Afterwards SQL that shares nothing with the triggers
looks for overlaps."""

import itertools
import random
import threading
import time
import uuid
from datetime import timedelta

import pymysql
import pytest
from chaos import audit
from support.databases import connect_mysql
from support.times import moment, on, text

LEVELS = ("READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")
# How long they write at least, and how long at most until each kind of statement has gone through somewhere.
SECONDS = 4.0
PATIENCE_SECONDS = 90.0
KINDS = {"insert", "insert_many", "move", "revive", "upsert", "shift", "cancel"}
SLOTS = 24
# Refused by a trigger, deadlock, lock wait, changed since it was read, id taken.
EXPECTED = {1644, 1213, 1205, 1020, 1062}


class Session:
    """One connection that books, moves and revives in a few rooms, as its isolation level lets it."""

    def __init__(self, stack, level: str, autocommit: bool, rooms: list[int], user: str, seed: int):
        self.connection = connect_mysql(stack)
        self.connection.autocommit(autocommit)
        self.cursor = self.connection.cursor()
        self.cursor.execute(f"SET SESSION TRANSACTION ISOLATION LEVEL {level}")
        self.cursor.execute("SET SESSION innodb_lock_wait_timeout = 2")
        self.rooms = rooms
        self.user = user
        self.random = random.Random(seed)
        self.mine: list[bytes] = []
        self.made: list[str] = []
        self.surprises: list[str] = []
        self.first = moment(on(3, "00:00")).replace(tzinfo=None)

    def work(self, over: threading.Event) -> None:
        """Transactions that begin with a look, so that a snapshot is old when the write comes."""
        writes = (self.insert, self.insert_many, self.move, self.revive, self.upsert, self.shift, self.cancel)
        try:
            while not over.is_set():
                write = self.random.choice(writes)
                try:
                    self.cursor.execute(
                        "SELECT COUNT(*) FROM reservation WHERE room_id = %s", (self.random.choice(self.rooms),)
                    )
                    for _ in range(self.random.choice((1, 1, 3))):
                        write()
                    self.connection.commit()
                    self.made.append(write.__name__)
                except pymysql.err.MySQLError as error:
                    self.connection.rollback()
                    if error.args[0] not in EXPECTED:
                        self.surprises.append(f"{write.__name__}: {error}")
        finally:
            self.connection.close()

    def insert(self) -> None:
        self._insert([self._row()], "")

    def insert_many(self) -> None:
        self._insert([self._row() for _ in range(3)], "")

    def upsert(self) -> None:
        """A known id is moved by an INSERT."""
        again = [(self._known(), *self._row()[1:])]
        update = " ON DUPLICATE KEY UPDATE room_id = VALUES(room_id), starts_at = VALUES(starts_at), ends_at = VALUES(ends_at), state = 'confirmed'"
        self._insert(again, update)

    def move(self) -> None:
        _, room, _, start, end = self._row()
        self.cursor.execute(
            "UPDATE reservation SET room_id = %s, starts_at = %s, ends_at = %s WHERE id = %s",
            (room, start, end, self._known()),
        )

    def cancel(self) -> None:
        self.cursor.execute("UPDATE reservation SET state = 'cancelled' WHERE id = %s", (self._known(),))

    def revive(self) -> None:
        self.cursor.execute("UPDATE reservation SET state = 'confirmed' WHERE id = %s", (self._known(),))

    def shift(self) -> None:
        """A whole afternoon, half an hour later, in an order in which each makes room for the next, or in the other one."""
        self.cursor.execute(
            "UPDATE reservation SET starts_at = starts_at + INTERVAL 30 MINUTE, ends_at = ends_at + INTERVAL 30 MINUTE"
            f" WHERE room_id = %s AND starts_at >= %s ORDER BY starts_at {self.random.choice(('ASC', 'DESC'))} LIMIT 4",
            (self.random.choice(self.rooms), self.first + timedelta(minutes=30 * self.random.randrange(SLOTS))),
        )

    def _row(self) -> tuple:
        start = self.first + timedelta(minutes=30 * self.random.randrange(SLOTS))
        end = start + timedelta(minutes=self.random.choice((30, 60, 90)))
        return uuid.uuid4().bytes, self.random.choice(self.rooms), self.user, start, end

    def _insert(self, rows: list[tuple], rest: str) -> None:
        values = ", ".join(["(%s, %s, %s, %s, %s)"] * len(rows))
        self.cursor.execute(
            f"INSERT INTO reservation (id, room_id, user_id, starts_at, ends_at) VALUES {values}{rest}",
            [*itertools.chain(*rows)],
        )
        self.mine += [row[0] for row in rows]

    def _known(self) -> bytes:
        return self.random.choice(self.mine) if self.mine else bytes(16)


def book_by_http(command, rooms: list[int], user: str, over: threading.Event, seed: int) -> None:
    rng = random.Random(seed)
    first = moment(on(3, "00:00"))
    while not over.is_set():
        start = first + timedelta(minutes=30 * rng.randrange(SLOTS))
        answer = command.reserve(
            rng.choice(rooms), text(start), text(start + timedelta(minutes=60)), user, expect=None
        )
        assert answer.status in (201, 409, 503), answer
        if answer.status == 201 and rng.random() < 0.5:
            command.cancel(answer, expect=None)


@pytest.mark.parametrize("autocommit", [True, False], ids=["autocommit", "transactions"])
def test_no_statement_at_any_isolation_level_double_books(stack, command, mysql, user, autocommit):
    rooms = [command.create_room()["id"] for _ in range(2)]
    over = threading.Event()
    sessions = [Session(stack, level, autocommit, rooms, user, seed) for seed, level in enumerate(LEVELS * 3)]
    threads = [threading.Thread(target=session.work, args=(over,)) for session in sessions]
    threads += [threading.Thread(target=book_by_http, args=(command, rooms, user, over, n)) for n in range(2)]
    for thread in threads:
        thread.start()
    began = time.monotonic()
    try:
        while (elapsed := time.monotonic() - began) < PATIENCE_SECONDS:
            assert audit.findings(mysql, rooms, {}, all_told=False)["overlaps"] == []
            made = set(itertools.chain(*(list(session.made) for session in sessions)))
            if elapsed > SECONDS and made >= KINDS:
                break
            time.sleep(0.1)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert [surprise for session in sessions for surprise in session.surprises][:3] == []
    found = audit.findings(mysql, rooms, {}, all_told=False)
    # Not "overlaps at any time": a statement takes its time before it waits for the room, so that recorded_at does not
    # order what sessions of this kind have committed.
    assert (found["overlaps"], found["journal gaps"]) == ([], [])
    assert made >= KINDS, "the test means something only if each kind of statement has gone through somewhere"


def test_the_journal_cannot_be_emptied_or_rewritten_by_any_statement(command, mysql, room):
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"))
    values = "SELECT * FROM reservation_event WHERE reservation_id = UUID_TO_BIN(%s)"
    with mysql.cursor() as cursor:
        cursor.execute(values, (booked["id"],))
        before = cursor.fetchall()
        for statement in (
            "UPDATE reservation_event SET title = 'x' WHERE reservation_id = UUID_TO_BIN(%s)",
            "DELETE FROM reservation_event WHERE reservation_id = UUID_TO_BIN(%s)",
            f"REPLACE INTO reservation_event {values}",
            f"INSERT INTO reservation_event {values} ON DUPLICATE KEY UPDATE title = 'x'",
            f"INSERT INTO reservation_event {values}",
        ):
            with pytest.raises(pymysql.err.MySQLError) as caught:
                cursor.execute(statement, (booked["id"],))
            assert caught.value.args[0] in (1644, 1062), statement
        cursor.execute(values, (booked["id"],))
        assert cursor.fetchall() == before
