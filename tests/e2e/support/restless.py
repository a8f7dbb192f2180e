"""Threads that work as long as they are let."""

import threading


class Restless:
    """`with` one of these: `count` threads run `work(number)`, which goes on until `over` is set, at the end of the block. What
    they raise is in `problems`."""

    patience_seconds = 60.0

    def __init__(self, count: int):
        self.problems: list[str] = []
        self.lock = threading.Lock()
        self.over = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(n,), daemon=True) for n in range(count)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind, error, trace) -> None:
        self.stop()

    def stop(self) -> None:
        self.over.set()
        for thread in self._threads:
            thread.join(self.patience_seconds)

    def work(self, number: int) -> None:
        raise NotImplementedError

    def failed(self, error: Exception) -> None:
        self.problems.append(repr(error))

    def _run(self, number: int) -> None:
        try:
            self.work(number)
        except Exception as error:  # noqa: BLE001  whatever it is, the test has to hear of it
            self.failed(error)
