"""The one error of the stack: it names the part, its log and the last lines of it."""

from pathlib import Path

TAIL_LINES = 25


def tail(log: Path, offset: int = 0, lines: int = TAIL_LINES) -> list[str]:
    """The last lines of `log` that were written after `offset`."""
    try:
        with open(log, "rb") as file:
            end = file.seek(0, 2)
            file.seek(max(offset, end - 16384))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    return text.splitlines()[-lines:]


class StackError(Exception):
    """`what` happened; with `log`, the message shows where the log is and how it ends."""

    def __init__(self, what: str, log: Path | None = None, offset: int = 0):
        self.what = what
        self.log = log
        text = [what]
        if log is not None:
            lines = tail(log, offset)
            text.append(f"  log: {log}" + (", which ends:" if lines else " (empty)"))
            text += [f"  | {line}" for line in lines]
        super().__init__("\n".join(text))


class Cancelled(Exception):
    """Work given up because another part of the same run failed."""
