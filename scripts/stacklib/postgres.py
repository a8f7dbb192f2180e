"""PostgreSQL: the read side. Debian's programs, a cluster of our own."""

import functools
import signal
from pathlib import Path

from . import account, command, process
from .errors import StackError
from .ports import HOST
from .server import Server, write_if_changed

DATABASE = "reservations"
ADMIN = "postgres"
PROJECTOR_USER = "rr_projector"
QUERY_USER = "rr_query"
USERS = (PROJECTOR_USER, QUERY_USER)


@functools.cache
def _bin_folder() -> Path:
    """The newest PostgreSQL that Debian has put on this machine."""
    found = [p for p in Path("/usr/lib/postgresql").glob("*/bin") if (p / "postgres").exists()]
    if not found:
        raise StackError("postgres is not installed: scripts/stack install")
    return max(found, key=lambda p: int(p.parent.name))


def program(name: str) -> Path:
    """One of PostgreSQL's own programs: psql, pgbench."""
    return _bin_folder() / name


class Postgres(Server):
    name = "postgres"
    stop_seconds = 60.0
    stop_signal = signal.SIGINT  # "fast": SIGTERM would wait until every client has gone

    def __init__(self, stack):
        super().__init__(stack)
        self.folder: Path = stack.dir / "postgres"
        self.data: Path = self.folder / "data"

    def password(self, user: str) -> str:
        return self.stack.passwords.get(f"postgres-{user}")

    def conninfo(self, user: str, database: str = DATABASE) -> str:
        return f"host={self.host} port={self.port} dbname={database} user={user} password={self.password(user)}"

    def url(self) -> str:
        return f"postgres://{ADMIN}:{self.password(ADMIN)}@{self.host}:{self.port}/{DATABASE}?sslmode=disable"

    def prepare(self) -> None:
        account.folder(self.folder)
        if not (self.data / "PG_VERSION").exists() or (self.folder / "initializing").exists():
            self._initialize()
        write_if_changed(self._hba, f"host all all {HOST}/32 scram-sha-256\n")
        self.stack.passwords.put("pgpass", f"*:*:*:{ADMIN}:{self.password(ADMIN)}")

    def argv(self) -> list[str]:
        settings = {"port": self.port, "hba_file": self._hba, "config_file": self._settings}
        return [str(program("postgres")), "-D", str(self.data)] + [
            word for name, value in settings.items() for word in ("-c", f"{name}={value}")
        ]

    def clear_leftovers(self) -> None:
        """The lock file of a killed postmaster: PostgreSQL takes one that nobody has reaped yet for alive.
        Its other processes end by themselves; before that, nobody may touch the data."""
        lock = self.data / "postmaster.pid"
        if not lock.exists():
            return
        if not process.wait_until(lambda: not process.working_in(self.data), 30):
            pids = ", ".join(str(pid) for pid in process.working_in(self.data))
            raise StackError(f"postgres: processes {pids} still use {self.data}", self.log)
        lock.unlink()

    def reads(self) -> list[Path]:
        return [self._settings]

    def ready(self) -> bool:
        try:
            self.sql("SELECT 1", database="postgres")
            return True
        except StackError:
            return False

    def sql(self, text: str, database: str = DATABASE) -> str:
        """Runs statements as the administrator and returns what psql prints (unaligned, no names)."""
        argv = [*self.client_argv(database), "-qAtX", "-v", "ON_ERROR_STOP=1"]
        return command.run(argv, "psql", stdin=text)

    def client_argv(self, database: str = DATABASE) -> list[str]:
        passfile = self.stack.passwords.folder / "pgpass"
        return [
            str(program("psql")),
            f"host={self.host} port={self.port} dbname={database} user={ADMIN} passfile={passfile} connect_timeout=5",
        ]

    def make_accounts(self) -> None:
        """The programs' roles, with their passwords; what they may do comes from the migrations."""
        self.sql(self.accounts(), database="postgres")

    def accounts(self) -> str:
        """All roles as psql's statements."""
        statements = []
        for user in USERS:
            statements.append(
                f"SELECT 'CREATE ROLE {user} LOGIN' WHERE NOT EXISTS"
                f" (SELECT FROM pg_roles WHERE rolname = '{user}') \\gexec"
            )
            statements.append(f"ALTER ROLE {user} LOGIN PASSWORD '{self.password(user)}';")
        return "\n".join(statements) + "\n"

    @property
    def _settings(self) -> Path:
        return self.stack.repo / "deploy/postgres/postgresql.conf"

    @property
    def _hba(self) -> Path:
        return self.folder / "pg_hba.conf"

    def _initialize(self) -> None:
        """A new data folder. The mark beside it tells, after a power cut, that it is not complete."""
        command.run(["rm", "-rf", str(self.data)], "removing a half-made data folder")
        mark = write_if_changed(self.folder / "initializing", "")
        account.folder(self.data, 0o700)
        argv = [
            str(program("initdb")), "-D", str(self.data), "--encoding=UTF8", "--locale=C.UTF-8",
            f"--username={ADMIN}", f"--pwfile={self.stack.passwords.file(f'postgres-{ADMIN}')}",
            "--auth=scram-sha-256",
        ]  # fmt: skip
        self.log.parent.mkdir(parents=True, exist_ok=True)
        command.run(account.wrap(argv, *self.needs_paths()), "postgres: making the data folder", self.log)
        mark.unlink()
