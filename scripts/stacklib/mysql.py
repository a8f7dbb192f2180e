"""MySQL: the truth."""

from pathlib import Path

from . import account, command
from .errors import StackError
from .server import Server, write_if_changed

DATABASE = "reservations"
# What each program's account is called; their rights in the database come from the migrations.
COMMAND_USER = "rr_command"
PROJECTOR_USER = "rr_projector"
DEBEZIUM_USER = "rr_debezium"
ROOT = "root"
USERS = (COMMAND_USER, PROJECTOR_USER, DEBEZIUM_USER)

_DEBEZIUM_GRANTS = "SELECT, RELOAD, SHOW DATABASES, REPLICATION SLAVE, REPLICATION CLIENT"


class Mysql(Server):
    name = "mysql"
    stop_seconds = 60.0

    def __init__(self, stack):
        super().__init__(stack)
        self.folder: Path = stack.dir / "mysql"
        self.data: Path = self.folder / "data"

    def password_file(self, user: str) -> Path:
        return self.stack.passwords.file(f"mysql-{user}")

    def password(self, user: str) -> str:
        return self.stack.passwords.get(f"mysql-{user}")

    def url(self, user: str = ROOT) -> str:
        return f"mysql://{user}:{self.password(user)}@{self.host}:{self.port}/{DATABASE}"

    def prepare(self) -> None:
        account.folder(self.folder)
        if not (self.data / "mysql.ibd").exists() or (self.folder / "initializing").exists():
            self._initialize()
        self.write_accounts()

    def write_accounts(self) -> None:
        """All accounts as statements, and how the administrator's client gets in: files among the passwords."""
        self.stack.passwords.put("mysql-init.sql", self._accounts())
        self.stack.passwords.put("mysql-client.cnf", self._client_settings())

    def argv(self) -> list[str]:
        # The socket lies in the data folder, named relative to it: a socket's path may have 107 bytes only.
        return self._mysqld() + [
            f"--port={self.port}",
            "--socket=mysql.sock",
            f"--pid-file={self.folder / 'mysqld.pid'}",
            f"--init-file={self.stack.passwords.folder / 'mysql-init.sql'}",
        ]

    def clear_leftovers(self) -> None:
        # mysqld takes a killed one that nobody has reaped yet for alive. What must never be shared, the
        # data, is under a lock that the kernel frees.
        for name in ("mysql.sock", "mysql.sock.lock"):
            (self.data / name).unlink(missing_ok=True)

    def reads(self) -> list[Path]:
        return [self._settings]

    def needs_paths(self) -> list[Path]:
        return [*super().needs_paths(), self.stack.files.mysql.root]

    def ready(self) -> bool:
        try:
            self.sql("SELECT 1")
            return True
        except StackError:
            return False

    def sql(self, text: str, database: str = "") -> str:
        """Runs statements as root and returns what the client prints (tab separated, no names)."""
        argv = self.client_argv() + ["--batch", "--skip-column-names", database]
        return command.run([word for word in argv if word], "mysql", stdin=text)

    def client_argv(self) -> list[str]:
        settings = self.stack.passwords.folder / "mysql-client.cnf"
        return [*self.stack.files.mysql.argv("usr/bin/mysql"), f"--defaults-file={settings}"]

    @property
    def _settings(self) -> Path:
        return self.stack.repo / "deploy/mysql/my.cnf"

    def _mysqld(self) -> list[str]:
        files = self.stack.files.mysql
        return files.argv("usr/sbin/mysqld") + [
            f"--defaults-file={self._settings}",
            f"--basedir={files.basedir}",
            f"--plugin-dir={files.basedir}/lib/mysql/plugin",
            f"--datadir={self.data}",
        ]

    def _initialize(self) -> None:
        """A new data folder. The mark beside it tells, after a power cut, that it is not complete."""
        command.run(["rm", "-rf", str(self.data)], "removing a half-made data folder")
        mark = write_if_changed(self.folder / "initializing", "")
        argv = account.wrap(self._mysqld() + ["--initialize-insecure"], *self.needs_paths())
        self.log.parent.mkdir(parents=True, exist_ok=True)
        command.run(argv, "mysql: making the data folder", self.log)
        mark.unlink()

    def _accounts(self) -> str:
        """Run by mysqld before it takes connections, at each start: nobody ever meets a root without a
        password. Not in the binlog: accounts are this server's own."""
        lines = ["SET sql_log_bin = 0;"]
        for user in (ROOT, *USERS):
            secret = f"IDENTIFIED BY '{self.password(user)}'"
            lines.append(f"CREATE USER IF NOT EXISTS '{user}'@'%' {secret};")
            lines.append(f"ALTER USER '{user}'@'%' {secret};")
        lines.append(f"ALTER USER '{ROOT}'@'localhost' IDENTIFIED BY '{self.password(ROOT)}';")
        lines.append(f"GRANT ALL ON *.* TO '{ROOT}'@'%' WITH GRANT OPTION;")
        lines.append(f"GRANT {_DEBEZIUM_GRANTS} ON *.* TO '{DEBEZIUM_USER}'@'%';")
        return "\n".join(lines)

    def _client_settings(self) -> str:
        values = {
            "host": self.host,
            "port": self.port,
            "protocol": "tcp",
            "user": ROOT,
            "password": self.password(ROOT),
        }
        return "[client]\n" + "\n".join(f"{name}={value}" for name, value in values.items())
