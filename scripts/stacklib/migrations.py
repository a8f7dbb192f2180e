"""Brings both databases to the newest form, by dbmate."""

from . import command
from .errors import StackError


def run(stack, kind: str, url: str) -> None:
    """Applies what is new in migrations/<kind>; makes the database if it is missing."""
    folder = stack.repo / "migrations" / kind
    if not any(folder.glob("*.sql")):
        raise StackError(f"{folder} has no migrations")
    log = stack.log(f"migrate-{kind}")
    argv = [str(stack.files.dbmate), "--migrations-dir", str(folder), "--no-dump-schema", "up"]
    with stack.progress.step(f"migrations of {kind}") as step:
        # The URL holds a password: in the environment it is not seen by `ps`.
        command.run(argv, f"migrating {kind}", log, env={"DATABASE_URL": url}, cwd=stack.dir)
        step.done = "done"
