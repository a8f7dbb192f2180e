"""The whole: servers of one folder, on ports of their own.

Everything of a stack lies in its folder (data, logs, pids, passwords, ports), so that several live
beside each other and one can be wiped without a trace.
"""

import fcntl
import functools
import shutil
import signal
import threading
from contextlib import contextmanager
from pathlib import Path

from . import account, command, connector, downloads, migrations, mysql, packages, postgres
from .cache import Cache
from .connect import Connect
from .errors import StackError
from .gateway import Gateway
from .kafka import Kafka
from .passwords import Passwords
from .ports import allot, remember
from .programs import TOPIC, CommandSvc, Projector, QuerySvc
from .progress import Progress
from .server import Server, write_if_changed
from .tasks import Tasks

REPO = Path(__file__).resolve().parent.parent.parent

# Servers are stopped group by group: those who write before those who are written to.
_STOP_ORDER = (
    ("gateway",),
    ("query-svc", "command-svc", "projector"),
    ("connect",),
    ("kafka", "mysql", "postgres"),
)
_DATA_FOLDERS = ("mysql", "postgres", "kafka", "connect", "gateway", "logs", "pids", "secrets")


class Files:
    """The downloaded programs, fetched when first asked for."""

    def __init__(self, stack: "Stack"):
        self._stack = stack

    @functools.cached_property
    def mysql(self) -> downloads.MysqlFiles:
        return downloads.mysql(self._stack.cache, self._stack.log("fetch-mysql"))

    @functools.cached_property
    def kafka(self) -> Path:
        return downloads.kafka(self._stack.cache, self._stack.kafka_pom, self._stack.log("fetch-kafka"))

    @functools.cached_property
    def dbmate(self) -> Path:
        return downloads.dbmate(self._stack.cache, self._stack.log("fetch-dbmate"))

    @functools.cached_property
    def nginx(self) -> Path:
        return downloads.debian(self._stack.cache, "nginx", self._stack.log("fetch-nginx"))


class Stack:
    """All servers in the folder `dir`.

    ports: "default" (those of the documentation) or "auto" (free ones), remembered in the folder; or each server's.
    hosts: where those servers are that are not on this machine.
    settings: a folder with more settings of our programs and of the gateway, <server>.env, as far as there are any.
    preset: which build of the programs; build_dir: where it is, if not build/<preset>.
    Threads: use one Stack from one thread; what it does beside each other, it does itself.
    Processes: several may use the same folder; what changes servers takes turns.
    """

    def __init__(
        self,
        dir: Path | str = REPO / ".run",
        ports: str | dict[str, int] = "default",
        preset: str = "release",
        build_dir: Path | str | None = None,
        quiet: bool = False,
        hosts: dict[str, str] | None = None,
        settings: Path | None = None,
    ):
        self.repo = REPO
        self.dir = Path(dir).resolve()
        self.preset = preset
        self.build_dir = Path(build_dir).resolve() if build_dir else REPO / "build" / preset
        self.progress = Progress(quiet)
        self.cache = Cache()
        self.files = Files(self)
        self.kafka_pom = REPO / "deploy/kafka/pom.xml"
        self.passwords = Passwords(self.dir / "secrets")
        self._ports_file = self.dir / "ports.json"
        self.ports = allot(self._ports_file, ports) if isinstance(ports, str) else ports
        self.hosts = hosts or {}
        self.settings = settings
        self.mysql = mysql.Mysql(self)
        self.postgres = postgres.Postgres(self)
        self.kafka = Kafka(self)
        self.connect = Connect(self)
        self.command_svc = CommandSvc(self)
        self.query_svc = QuerySvc(self)
        self.projector = Projector(self)
        self.gateway = Gateway(self)
        self.servers: dict[str, Server] = {
            server.name: server
            for server in (
                self.mysql, self.postgres, self.kafka, self.connect,
                self.command_svc, self.query_svc, self.projector, self.gateway,
            )
        }  # fmt: skip
        self._depth = 0

    # Looking

    def server(self, name: str) -> Server:
        if name not in self.servers:
            raise StackError(f"there is no server {name!r}; there are {', '.join(self.servers)}")
        return self.servers[name]

    @property
    def is_there(self) -> bool:
        """True once anything has been done in the folder; looking at a stack does not make one."""
        return self._ports_file.exists()

    def log(self, name: str) -> Path:
        """The log file of that name; its folder is made."""
        folder = self.dir / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{name}.log"

    @property
    def env(self) -> dict[str, str]:
        """What a client, a test or a verb of the projector has to know."""
        return {
            "RR_GATEWAY_URL": self.gateway.url,
            "RR_COMMAND_URL": self.command_svc.url,
            "RR_QUERY_URL": self.query_svc.url,
            "RR_PROJECTOR_URL": self.projector.url,
            "RR_CONNECT_URL": self.connect.url,
            "RR_MYSQL_HOST": self.mysql.host,
            "RR_MYSQL_PORT": str(self.mysql.port),
            "RR_MYSQL_ROOT_USER": mysql.ROOT,
            "RR_MYSQL_ROOT_PASSWORD": self.mysql.password(mysql.ROOT),
            "RR_MYSQL_USER": mysql.PROJECTOR_USER,
            "RR_MYSQL_PASSWORD": self.mysql.password(mysql.PROJECTOR_USER),
            "RR_MYSQL_DATABASE": mysql.DATABASE,
            "RR_PG_ADMIN_CONNINFO": self.postgres.conninfo(postgres.ADMIN),
            "RR_PG_CONNINFO": self.postgres.conninfo(postgres.PROJECTOR_USER),
            "RR_KAFKA_BOOTSTRAP": self.kafka.bootstrap,
            "RR_KAFKA_TOPIC": TOPIC,
            "RR_AUTH": "off",
        }

    # Doing

    def up(self) -> None:
        """Everything: installs, builds, starts what does not run, migrates, registers the connector, waits.
        What need not wait for each other goes on beside each other."""
        with self._turn(), Tasks() as tasks:
            mysql_files = tasks.go(lambda: self._fetch("mysql"))
            packaged = tasks.go(self._install_packages)
            kafka_files = tasks.go(lambda: self._fetch("kafka"), packaged)
            dbmate = tasks.go(lambda: self._fetch("dbmate"), packaged)
            mysql_up = tasks.go(self.mysql.start, mysql_files)
            postgres_up = tasks.go(self._start_postgres, packaged)
            kafka_up = tasks.go(self.kafka.start, kafka_files)
            connect_up = tasks.go(self.connect.start, kafka_files)
            mysql_new = tasks.go(self._migrate_mysql, mysql_up, dbmate)
            postgres_new = tasks.go(self._migrate_postgres, postgres_up, dbmate)
            tasks.go(lambda: connector.ensure(self), connect_up, mysql_new)
            built = tasks.go(self._build, packaged)
            tasks.go(self.command_svc.start, built, mysql_new)
            tasks.go(self.query_svc.start, built, postgres_new)
            tasks.go(self.projector.start, built, postgres_new, mysql_new, kafka_up)
            tasks.go(self.gateway.start, tasks.go(lambda: self._fetch("nginx"), packaged))
            tasks.go(self.write_env)

    def up_writes(self) -> None:
        """What takes writes, as up() brings it up: MySQL and command-svc, and nothing else that would be busy beside."""
        with self._turn(), Tasks() as tasks:
            mysql_files = tasks.go(lambda: self._fetch("mysql"))
            packaged = tasks.go(self._install_packages)
            dbmate = tasks.go(lambda: self._fetch("dbmate"), packaged)
            mysql_up = tasks.go(self.mysql.start, mysql_files)
            mysql_new = tasks.go(self._migrate_mysql, mysql_up, dbmate)
            built = tasks.go(self._build, packaged)
            tasks.go(self.command_svc.start, built, mysql_new)
            tasks.go(self.write_env)

    def up_read_model(self) -> None:
        """PostgreSQL with an empty read model, and the programs built: what reads need once somebody has filled it."""
        with self._turn(), Tasks() as tasks:
            packaged = tasks.go(self._install_packages)
            dbmate = tasks.go(lambda: self._fetch("dbmate"), packaged)
            postgres_up = tasks.go(self._start_postgres, packaged)
            tasks.go(self._migrate_postgres, postgres_up, dbmate)
            tasks.go(self._build, packaged)

    def up_log(self) -> None:
        """As up_read_model(), and a Kafka broker: what a projector needs, once somebody has filled a topic."""
        with self._turn(), Tasks() as tasks:
            packaged = tasks.go(self._install_packages)
            kafka_files = tasks.go(lambda: self._fetch("kafka"), packaged)
            tasks.go(self.kafka.start, kafka_files)
            tasks.go(self.up_read_model, packaged)

    def install(self) -> None:
        """Debian packages and downloads, as far as they are missing."""
        with self._turn(), Tasks() as tasks:
            tasks.go(lambda: self._fetch("mysql"))
            packaged = tasks.go(self._install_packages)
            tasks.go(lambda: self._fetch("kafka"), packaged)
            tasks.go(lambda: self._fetch("dbmate"), packaged)
            tasks.go(lambda: self._fetch("nginx"), packaged)

    def build(self) -> None:
        """Builds the programs, as far as they are out of date."""
        with self._turn():
            self._build()

    def migrate(self) -> None:
        """Brings both databases, which must run, to the newest form."""
        with self._turn():
            self._migrate_mysql()
            self._migrate_postgres()

    def ensure_connector(self) -> None:
        """Registers the connector and waits until it runs; restarts one that has failed."""
        with self._turn():
            connector.ensure(self)

    def start(self, names: list[str] | None = None) -> None:
        """Starts those servers (all) that do not run, and waits until they are ready. Nothing is built,
        installed or migrated."""
        with self._turn(), Tasks() as tasks:
            for server in self._named(names):
                tasks.go(server.start)

    def stop(self, names: list[str] | None = None) -> dict[str, int | None]:
        """Stops those servers (all) and tells their exit statuses, as far as they are known."""
        chosen = {server.name for server in self._named(names)}
        statuses: dict[str, int | None] = {}
        if not self.is_there:
            return statuses
        with self._turn():
            for group in _STOP_ORDER:
                threads = []
                for name in chosen.intersection(group):
                    running = self.servers[name].alive()
                    thread = threading.Thread(target=self._stop_one, args=(name, statuses))
                    thread.start()
                    threads.append((name, running, thread))
                for name, running, thread in threads:
                    thread.join()
                    if running:
                        self.progress.say(f"{name}: stopped")
        return statuses

    def restart(self, names: list[str]) -> None:
        self.stop(names)
        self.start(names)

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Sends a signal to one server."""
        self.server(name).kill(number)

    def wait_ready(self, names: list[str] | None = None, seconds: float | None = None) -> None:
        """Waits until those servers (all) are ready, whoever started them."""
        for server in self._named(names):
            server.await_ready(seconds)

    def wipe(self) -> None:
        """Stops everything and removes the folder. The cache stays. A folder that never was a stack's is left alone: /var/lib
        has a folder mysql, too."""
        if not self.is_there:
            if self.dir.exists() and any(self.dir.iterdir()):
                raise StackError(f"{self.dir} is no stack's folder, it is left alone")
            return
        with self._turn():
            self.stop()
            for name in _DATA_FOLDERS:
                shutil.rmtree(self.dir / name, ignore_errors=True)
            for name in ("env", "demo.json", self._ports_file.name, "lock"):
                (self.dir / name).unlink(missing_ok=True)
            if any(self.dir.iterdir()):
                self.progress.say(f"{self.dir}: wiped, but for {', '.join(p.name for p in self.dir.iterdir())}")
            else:
                self.dir.rmdir()
                self.progress.say(f"{self.dir}: wiped")

    def write_env(self) -> None:
        """<dir>/env, to be sourced by a shell. It holds passwords."""
        lines = [f"export {name}='{value}'" for name, value in self.env.items()]
        path = self.dir / "env"
        path.touch(mode=0o600)
        write_if_changed(path, "\n".join(lines) + "\n", 0o600)

    # Steps

    def _install_packages(self) -> None:
        wanted = packages.RUN + packages.BUILD
        if not self.cache.has(downloads.kafka_entry(self.kafka_pom)):
            wanted = wanted + packages.FETCH_KAFKA
        if not self.cache.has(downloads.DBMATE_ENTRY):
            wanted = wanted + packages.FETCH_DBMATE
        with self.progress.step("packages") as step:
            names = packages.ensure(wanted, self.log("packages"), self.cache.root / "debs")
            step.done = f"{len(names)} and what they need installed" if names else None

    def _fetch(self, name: str) -> None:
        entry = {
            "mysql": downloads.MYSQL_ENTRY,
            "kafka": downloads.kafka_entry(self.kafka_pom),
            "dbmate": downloads.DBMATE_ENTRY,
            "nginx": downloads.debian_entry("nginx"),
        }[name]
        with self.progress.step(f"download of {name}") as step:
            step.done = None if self.cache.has(entry) else f"in {self.cache.root / entry}"
            getattr(self.files, name)

    def _build(self) -> None:
        log = self.log("build")
        with self.progress.step("build") as step, self._build_turn():
            binaries = [server.binary for server in (self.command_svc, self.query_svc, self.projector)]
            before = [path.stat().st_mtime_ns if path.exists() else 0 for path in binaries]
            if not (self.build_dir / "build.ninja").exists():
                configure = ["cmake", "--preset", self.preset, "-B", str(self.build_dir)]
                command.run(configure, "cmake", log, cwd=self.repo)
            targets = [path.name for path in binaries]
            argv = ["cmake", "--build", str(self.build_dir), "--parallel", "2", "--target", *targets]
            command.run(argv, "the build", log, cwd=self.repo)
            if before != [path.stat().st_mtime_ns for path in binaries]:
                step.done = str(self.build_dir)

    @contextmanager
    def _build_turn(self):
        """Two stacks, or a stack and scripts/test, may build in the same folder, which Ninja does not guard."""
        self.build_dir.parent.mkdir(parents=True, exist_ok=True)
        with open(self.build_dir.with_name(self.build_dir.name + ".lock"), "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _start_postgres(self) -> None:
        self.postgres.start()
        self.postgres.make_accounts()

    def _migrate_mysql(self) -> None:
        migrations.run(self, "mysql", self.mysql.url())

    def _migrate_postgres(self) -> None:
        migrations.run(self, "postgres", self.postgres.url())

    def _stop_one(self, name: str, statuses: dict[str, int | None]) -> None:
        statuses[name] = self.servers[name].stop()

    def _named(self, names: list[str] | None) -> list[Server]:
        return [self.server(name) for name in names] if names else list(self.servers.values())

    @contextmanager
    def _turn(self):
        """One process at a time changes a stack."""
        if self._depth == 0:
            self.dir.mkdir(parents=True, exist_ok=True)
            account.ensure()
            self._lock_file = open(self.dir / "lock", "w")
            try:
                fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.progress.say("another process works on this stack: waiting for it")
                fcntl.flock(self._lock_file, fcntl.LOCK_EX)
            remember(self._ports_file, self.ports)
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if self._depth == 0:
                self._lock_file.close()
