"""A query-svc whose answers from PostgreSQL can be held back, so that what many ask is asked at the same time."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

from stacklib.postgres import QUERY_USER

from .programs import Program
from .proxy import AnswerProxy
from .waiting import eventually

# What is held back is not to be given up.
PATIENT = {"RR_PG_TIMEOUT_MS": "60000", "RR_REQUEST_TIMEOUT_MS": "60000"}


class Held:
    """A query-svc of one loop, and who asks it."""

    def __init__(self, program, proxy, pool):
        self.client, self.proxy, self._pool = program.client, proxy, pool
        self._asked = 0

    def ask(self, read, *arguments, **options):
        """A read that has come to the loop, and waits."""
        return self.ask_all([partial(read, *arguments, **options)])[0]

    def ask_all(self, reads: list[Callable]) -> list[Future]:
        """Those have, in any order. It is quicker: who waits for a connection does so for 5 s in all."""
        futures = [self._pool.submit(read) for read in reads]
        self._asked += len(reads)
        # The question after them is one more.
        eventually(lambda: self.client.metrics().value("rr_http_in_flight") == self._asked + 1)
        return futures

    @contextmanager
    def answers(self):
        """In the block nothing that PostgreSQL answers comes through."""
        self._asked = 0
        self.proxy.hold()
        try:
            yield
        finally:
            self.proxy.release()

    def shared(self) -> float:
        """Reads that were given the answer of another one's statement."""
        return self.client.metrics().value("rr_reads_shared_total")


@contextmanager
def held_query(stack, folder, connected: bool = True, **settings):
    """Not `connected`: its connections do not stand yet when the block begins, and not before `proxy.release()`."""
    conninfo = stack.postgres.conninfo(QUERY_USER)
    with (
        AnswerProxy(stack.postgres.port, holds=not connected) as proxy,
        Program(
            stack, "query-svc", folder, awaits="/readyz" if connected else "/livez", RR_HTTP_LOOPS="1", RR_PG_CONNINFO_FILE=None,
            RR_PG_CONNINFO=conninfo.replace(f"port={stack.postgres.port}", f"port={proxy.port}"),
            **PATIENT, **settings,
        ) as program,
        ThreadPoolExecutor(64) as pool,
    ):  # fmt: skip
        if connected:  # the ones for statistics and for notifications, too
            eventually(lambda: program.client.metrics().value("rr_pg_up") == 3)
        yield Held(program, proxy, pool)
