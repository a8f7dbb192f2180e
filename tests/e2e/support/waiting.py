"""Waiting for a condition, never for a time."""

import time

# For a server to become ready or to recover, with sanitizers and on a machine that may be busy with other things.
PATIENCE_SECONDS = 180.0


def eventually(check, seconds: float = 20.0, interval: float = 0.02):
    """Calls `check` until it returns something true and returns that. An assertion that fails inside `check` counts as
    not yet; the last one is raised when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        failure = None
        try:
            result = check()
            if result:
                return result
        except AssertionError as error:
            failure = error
        if time.monotonic() > deadline:
            if failure:
                raise failure
            name = getattr(check, "__name__", "the condition")
            raise AssertionError(f"{name} did not come true within {seconds} s; last result: {result!r}")
        time.sleep(interval)
