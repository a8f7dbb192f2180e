"""A switch of generations that others have to wait for."""

import psycopg

from .generations import switch_to_a_copy
from .waiting import eventually


class Takeover:
    """`with Takeover(stack) as takeover:` holds the position of the serving generation, from hold() on, until switch()
    lets a copy take its place."""

    def __init__(self, stack):
        self._stack = stack

    def __enter__(self) -> "Takeover":
        self._pg = psycopg.connect(self._stack.env["RR_PG_ADMIN_CONNINFO"])
        self._look = psycopg.connect(self._stack.env["RR_PG_ADMIN_CONNINFO"], autocommit=True)
        (self._began,) = self._look.execute("SELECT clock_timestamp()").fetchone()
        (self.generation,) = self._look.execute(
            "SELECT generation FROM projection.generation WHERE state = 'serving'"
        ).fetchone()
        return self

    def __exit__(self, *_) -> None:
        self._pg.close()
        self._look.close()

    def hold(self) -> tuple[int, int]:
        """Returns the offset and the epoch that it stands at."""
        return self._pg.execute(
            "SELECT next_offset, parked_epoch FROM projection.position WHERE generation = %s FOR UPDATE",
            [self.generation],
        ).fetchone()

    def let_go(self) -> None:
        self._pg.rollback()

    def await_one_who_waits(self, for_what: tuple[str, ...] = ("transactionid", "tuple")) -> None:
        self._await_one("wait_event_type = 'Lock' AND wait_event = ANY (%s)", list(for_what))

    def await_one_who_asks(self, for_what: str) -> None:
        self._await_one("query LIKE %s", for_what)

    def _await_one(self, condition: str, value) -> None:
        """Somebody whose connection was made since the block began; who fills the generation waits, too."""
        found = f"SELECT count(*) FROM pg_stat_activity WHERE backend_start > %s AND pid <> pg_backend_pid() AND {condition}"
        eventually(lambda: self._look.execute(found, [self._began, value]).fetchone()[0], 60)

    def switch(self) -> None:
        switch_to_a_copy(self._pg)
        self._pg.commit()
