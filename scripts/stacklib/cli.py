"""The command line of scripts/stack."""

import argparse
import os
import signal
import sys
from pathlib import Path

from . import connector, demo, tour
from .errors import StackError, tail
from .stack import REPO, Stack

EPILOG = """\
Servers: mysql postgres kafka connect command-svc query-svc projector gateway.
Environment: RR_CACHE_DIR (downloads; default /var/cache/room-reservation, or ~/.cache/room-reservation),
RR_STACK_PORT_<NAME> (another port, e.g. RR_STACK_PORT_COMMAND_SVC=8081), RR_DEBIAN_MIRROR,
RR_STACK_PROGRAMS (a folder with other builds of our programs), RR_SETTINGS (a folder with settings of our programs and of the
gateway, <server>.env; default: settings in the checkout).
Each stack is one folder: data, logs/, pids/, secrets/ and env, which a shell can source.
"""


def _up(stack: Stack, args) -> None:
    stack.up()
    stack.progress.say(f"all servers are ready; their addresses: source {_shown(stack.dir / 'env')}")


def _install(stack: Stack, args) -> None:
    stack.install()


def _build(stack: Stack, args) -> None:
    stack.build()


def _start(stack: Stack, args) -> None:
    stack.start(args.names)


def _stop(stack: Stack, args) -> None:
    stack.stop(args.names)


def _restart(stack: Stack, args) -> None:
    stack.restart(args.names)


def _kill(stack: Stack, args) -> None:
    number = getattr(signal, "SIG" + args.signal.upper().removeprefix("SIG"), None)
    if number is None:
        raise StackError(f"there is no signal {args.signal!r}")
    stack.kill(args.name, number)


def _status(stack: Stack, args) -> int:
    worst = 0
    for server in stack.servers.values():
        pid = server.pid
        state = "stopped" if pid is None else "ready" if server.ready() else "not ready"
        worst |= state != "ready"
        ports = ", ".join(str(port) for port in server.ports().values())
        print(f"{server.name:12} {state:10} pid {pid or '-':<8} port {ports:13} log {_shown(server.log)}")
    if stack.connect.alive():
        print(f"{'connector':12} {'running' if connector.running(connector.states(stack)) else 'not running'}")
    return worst


def _logs(stack: Stack, args) -> None:
    log = stack.server(args.name).log
    if args.follow:
        os.execvp("tail", ["tail", "-n", str(args.lines), "-F", str(log)])
    print("\n".join(tail(log, 0, args.lines)))


def _env(stack: Stack, args) -> None:
    if not stack.is_there:
        raise StackError(f"there is no stack in {_shown(stack.dir)}: scripts/up makes one")
    values = stack.env
    if args.name:
        # Alone, as the program is started: a key must not meet its own _FILE form from the stack's env.
        values = stack.server(args.name).whole_environment()
        print("unset ${!RR_@}")
    for name, value in values.items():
        print(f"export {name}='{value}'")


def _demo(stack: Stack, args) -> None:
    if not stack.command_svc.alive():
        raise StackError("the demo goes through command-svc, which does not run: scripts/stack up")
    demo.load(stack)


def _tour(stack: Stack, args) -> None:
    tour.show(stack)


def _mysql(stack: Stack, args) -> None:
    argv = [*stack.mysql.client_argv(), *(args.arguments or ["reservations"])]
    os.execvp(argv[0], argv)


def _psql(stack: Stack, args) -> None:
    argv = [*stack.postgres.client_argv(), *args.arguments]
    os.execvp(argv[0], argv)


def _wipe(stack: Stack, args) -> None:
    stack.wipe()


def _shown(path: Path) -> Path:
    """`path` as short as it can be written from here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stack",
        description="Runs the whole pipeline here: MySQL, Kafka, Debezium, PostgreSQL and our programs.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--dir", type=Path, default=REPO / ".run", help="the stack's folder (default: .run)")
    parser.add_argument(
        "--ports",
        choices=("default", "auto"),
        default="default",
        help="for a new stack: the documented ports, or free ones",
    )
    parser.add_argument("--preset", default="release", help="which build of the programs (default: release)")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(name: str, work, text: str) -> argparse.ArgumentParser:
        sub = verbs.add_parser(name, help=text, description=text)
        sub.set_defaults(work=work)
        return sub

    verb("up", _up, "install, build, migrate and start whatever is not there or not running")
    verb("install", _install, "install Debian packages and fetch MySQL, Kafka, Debezium and dbmate")
    verb("build", _build, "build the three programs")
    verb("start", _start, "start servers that do not run (default: all)").add_argument("names", nargs="*")
    verb("stop", _stop, "stop servers (default: all)").add_argument("names", nargs="*")
    verb("restart", _restart, "stop and start servers").add_argument("names", nargs="+")
    kill = verb("kill", _kill, "send a signal to one server")
    kill.add_argument("name")
    kill.add_argument("--signal", default="KILL", help="TERM, STOP, CONT, … (default: KILL)")
    verb("status", _status, "show each server; exit status 1 if one is not ready")
    logs = verb("logs", _logs, "show the end of a server's log")
    logs.add_argument("name")
    logs.add_argument("-n", "--lines", type=int, default=40)
    logs.add_argument("-f", "--follow", action="store_true")
    verb(
        "env", _env, "print the addresses and passwords, or one program's settings, as bash commands"
    ).add_argument("name", nargs="?")
    verb("demo", _demo, "load rooms and a few weeks of bookings through the HTTP API")
    verb("tour", _tour, "show the main calls, as curl commands with their answers")
    sql = verb("mysql", _mysql, "a MySQL prompt as root (arguments go to the client, after --)")
    sql.add_argument("arguments", nargs="*")
    sql = verb("psql", _psql, "a PostgreSQL prompt as administrator (arguments go to the client, after --)")
    sql.add_argument("arguments", nargs="*")
    verb("wipe", _wipe, "stop everything and remove the folder; downloads stay")
    return parser


def main() -> int:
    args = _parser().parse_args()
    # A service manager's SIGTERM ends us like Ctrl-C does, with locks and helpers let go.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        settings = Path(os.environ.get("RR_SETTINGS", REPO / "settings"))
        stack = Stack(dir=args.dir, ports=args.ports, preset=args.preset, settings=settings)
        return args.work(stack, args) or 0
    except (StackError, OSError) as error:  # a full disk, a folder of somebody else's: it names the file
        print(f"stack: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stack: interrupted; servers that were started go on (scripts/down stops them)", file=sys.stderr)
        return 130
