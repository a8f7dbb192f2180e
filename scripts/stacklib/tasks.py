"""Runs the steps of one `up` beside each other, each as soon as those it needs are done."""

from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import Callable

from . import command
from .errors import Cancelled


class Tasks:
    """`with Tasks() as tasks: a = tasks.go(f); b = tasks.go(g, a)`: g runs once f is done. The block ends
    when all are; the first failure ends the helpers that still run and is raised."""

    def __init__(self):
        self._pool = ThreadPoolExecutor(max_workers=24)
        self._futures: list[Future] = []

    def go(self, work: Callable[[], object], *after: Future) -> Future:
        def run():
            for future in after:
                try:
                    future.result()
                except BaseException:
                    raise Cancelled() from None
            command.check_cancelled()
            return work()

        future = self._pool.submit(run)
        self._futures.append(future)
        return future

    def __enter__(self) -> "Tasks":
        command.reset()
        return self

    def __exit__(self, kind, error, trace) -> None:
        finished = False
        try:
            if kind is None:
                wait(self._futures, return_when=FIRST_EXCEPTION)
                finished = all(future.done() and not future.exception() for future in self._futures)
        finally:  # also when Ctrl-C ends the wait
            if not finished:
                command.cancel_all()
            self._pool.shutdown(wait=True, cancel_futures=True)
            command.reset()
        failures = [
            future.exception() for future in self._futures if not future.cancelled() and future.exception()
        ]
        for failure in failures:
            if not isinstance(failure, Cancelled):
                raise failure
