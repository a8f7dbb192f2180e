"""A TCP proxy between command-svc and MySQL that interferes at COMMIT.

The runner of transactions sends it as text, with a further statement behind it, and without TLS that can be read. (READ-COMMITTED
stands in the settings of each session.)
"""

import socket
import threading

COMMIT = b"COMMIT;"


class CommitProxy:
    """`with CommitProxy(stack.mysql.port) as proxy:` passes everything on until it is told otherwise, then does one of
    these at the next COMMIT, once:

    cut_before()   the connection is cut, and MySQL never sees the COMMIT
    cut_after()    MySQL commits, and the connection is cut instead of its answer
    hold_after()   MySQL commits, and its answer is held back until release(), or lost when the block ends; `held` is set
                   then
    """

    def __init__(self, to_port: int):
        self._to_port = to_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.held = threading.Event()
        self._over = threading.Event()
        self._go_on = threading.Event()
        self._lock = threading.Lock()
        self._plan: str | None = None
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def cut_before(self) -> None:
        self._plan = "before"

    def cut_after(self) -> None:
        self._plan = "after"

    def hold_after(self) -> None:
        self._plan = "hold"

    def release(self) -> None:
        """The answer that is held back goes on its way."""
        self._go_on.set()

    @property
    def done(self) -> bool:
        """Whether what was planned has happened."""
        return self._plan is None

    def __enter__(self) -> "CommitProxy":
        self._go(self._accept)
        return self

    def __exit__(self, *_) -> None:
        self._over.set()
        self._go_on.set()
        _close(self._listener)
        for one in self._sockets:
            _close(one)
        for thread in self._threads:
            thread.join(10)

    def _go(self, work, *arguments) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._to_port))
            except OSError:
                return
            self._sockets += [client, server]
            answers = _Answers()
            self._go(self._to_server, client, server, answers)
            self._go(self._to_client, client, server, answers)

    def _to_server(self, client, server, answers) -> None:
        try:
            while data := client.recv(65536):
                plan = self._take_plan() if COMMIT in data else None
                if plan == "before":
                    break
                answers.plan = plan
                server.sendall(data)
        except OSError:
            pass
        _close(client)
        _close(server)

    def _to_client(self, client, server, answers) -> None:
        try:
            while data := server.recv(65536):
                if answers.plan == "hold":
                    self.held.set()
                    self._go_on.wait(60)
                    answers.plan = answers.plan if self._over.is_set() else None
                if answers.plan:
                    break
                client.sendall(data)
        except OSError:
            pass
        _close(client)
        _close(server)

    def _take_plan(self) -> str | None:
        with self._lock:
            plan, self._plan = self._plan, None
            return plan


class _Answers:
    """What is to happen to the answers of one connection."""

    plan: str | None = None


def _close(one: socket.socket) -> None:
    try:
        one.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    one.close()
