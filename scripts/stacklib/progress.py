"""Lines that tell what goes on and how long it has taken."""

import sys
import threading
import time

HEARTBEAT_SECONDS = 10.0


class Progress:
    """Prints one line an event. Work inside `step` that takes long is mentioned again and again,
    so that nobody takes a slow download for a hang."""

    def __init__(self, quiet: bool = False):
        self.began = time.monotonic()
        self.quiet = quiet
        self._lock = threading.Lock()
        self._running: dict[str, float] = {}
        self._ticker: threading.Thread | None = None

    def say(self, text: str) -> None:
        if not self.quiet:
            with self._lock:
                print(f"[{time.monotonic() - self.began:6.1f}s] {text}", file=sys.stderr, flush=True)

    def step(self, name: str) -> "_Step":
        return _Step(self, name)

    def _tick(self) -> None:
        while True:
            time.sleep(HEARTBEAT_SECONDS)
            now = time.monotonic()
            with self._lock:
                slow = [
                    f"{name} ({now - since:.0f} s)"
                    for name, since in self._running.items()
                    if now - since >= HEARTBEAT_SECONDS / 2
                ]
            if slow:
                self.say("still: " + ", ".join(slow))

    def _enter(self, name: str) -> None:
        with self._lock:
            self._running[name] = time.monotonic()
            if self._ticker is None and not self.quiet:
                self._ticker = threading.Thread(target=self._tick, daemon=True)
                self._ticker.start()

    def _leave(self, name: str) -> None:
        with self._lock:
            self._running.pop(name, None)


class _Step:
    """A piece of work with a name: `with progress.step("mysql files") as step: …; step.done = "…"`."""

    def __init__(self, progress: Progress, name: str):
        self.progress = progress
        self.name = name
        self.done: str | None = None

    def __enter__(self) -> "_Step":
        self.began = time.monotonic()
        self.progress._enter(self.name)
        return self

    def __exit__(self, kind, error, trace) -> None:
        self.progress._leave(self.name)
        if kind is None and self.done:
            took = time.monotonic() - self.began
            self.progress.say(f"{self.name}: {self.done} ({took:.1f} s)")
