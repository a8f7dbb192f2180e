"""Servers that are away for a while, and what is awaited when they are back."""

from collections.abc import Iterator
from contextlib import contextmanager

from .api import Query
from .waiting import PATIENCE_SECONDS, eventually


@contextmanager
def down(stack, name: str, how: str) -> Iterator[None]:
    """The server `name` is down inside the block, and has been started again after it; nothing else is touched."""
    if how == "killed":
        stack.kill(name)
    else:
        stack.stop([name])
    try:
        yield
    finally:
        stack.start([name])


@contextmanager
def reconnects(query: Query) -> Iterator[None]:
    """PostgreSQL may be away in the block; after it all event loops of query-svc have their connections again. Each finds it by
    itself, after a pause of its own, and nobody knows in which of them the next request ends up."""

    def stand() -> float:
        return query.metrics().value("rr_pg_up")

    before = stand()
    yield
    eventually(lambda: stand() >= before, PATIENCE_SECONDS)
