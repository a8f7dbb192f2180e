"""TCP proxies between a program and its database, which interfere."""

import socket
import threading

COMMIT = b"COMMIT;"


class Proxy:
    """`with … as proxy:` passes on what comes to `proxy.port` to `to_port`, and back. What is to be interfered with says a class
    that is made of this one."""

    def __init__(self, to_port: int):
        self._to_port = to_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._over = threading.Event()
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self):
        self._go(self._accept)
        return self

    def __exit__(self, *_) -> None:
        self._end()
        for thread in self._threads:
            thread.join(10)

    def _end(self) -> None:
        self._over.set()
        _close(self._listener)
        for one in self._sockets:
            _close(one)

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
            plans = _Plans()
            self._go(self._pass_on, client, server, self._asked, plans)
            self._go(self._pass_on, server, client, self._answered, plans)

    def _pass_on(self, from_: socket.socket, to: socket.socket, may_pass, plans: "_Plans") -> None:
        try:
            while (data := from_.recv(65536)) and may_pass(data, plans):
                to.sendall(data)
        except OSError:
            pass
        _close(from_)
        _close(to)

    def _asked(self, data: bytes, plans: "_Plans") -> bool:
        """Whether this goes to the server; else the connection is cut."""
        return True

    def _answered(self, data: bytes, plans: "_Plans") -> bool:
        """Whether this goes to the client; else the connection is cut."""
        return True


class CommitProxy(Proxy):
    """Between a program and its database. Does one of these at the next COMMIT, once, which without TLS can be read: command-svc
    sends it to MySQL as text, with a further statement behind it (READ-COMMITTED stands in the settings of each session); another
    one is known by what goes out with it.

    cut_before()   the connection is cut, and the database never sees the COMMIT; so many times
    cut_after()    the database commits, and the connection is cut instead of its answer
    hold_after()   the database commits, and its answer is held back until release(), or lost when the block ends; `held` is
                   set then
    go_away()      as cut_after(), and nothing gets through any more
    """

    def __init__(self, to_port: int, commit: bytes = COMMIT):
        super().__init__(to_port)
        self._commit = commit
        self.held = threading.Event()
        self._go_on = threading.Event()
        self._lock = threading.Lock()
        self._plans: list[str] = []

    def cut_before(self, times: int = 1) -> None:
        self._plans = ["before"] * times

    def cut_after(self) -> None:
        self._plans = ["after"]

    def hold_after(self) -> None:
        self._plans = ["hold"]

    def go_away(self) -> None:
        self._plans = ["away"]

    def release(self) -> None:
        """The answer that is held back goes on its way."""
        self._go_on.set()

    def __exit__(self, *_) -> None:
        self._over.set()
        self.release()
        super().__exit__()

    @property
    def done(self) -> bool:
        """Whether what was planned has happened."""
        return not self._plans

    def _asked(self, data: bytes, plans: "_Plans") -> bool:
        plan = self._take_plan() if self._commit in data else None
        plans.for_answers = plan
        return plan != "before"

    def _answered(self, data: bytes, plans: "_Plans") -> bool:
        if plans.for_answers == "hold":
            self.held.set()
            self._go_on.wait(60)
            plans.for_answers = plans.for_answers if self._over.is_set() else None
        if plans.for_answers == "away":
            self._end()
        return not plans.for_answers

    def _take_plan(self) -> str | None:
        with self._lock:
            return self._plans.pop(0) if self._plans else None


class AnswerProxy(Proxy):
    """Between a program and its database. Holds all that comes back from hold(), or with `holds` from the beginning, to
    release(); `held` is set when the rows of a statement are among it."""

    def __init__(self, to_port: int, holds: bool = False):
        super().__init__(to_port)
        self.held = threading.Event()
        self._may_pass = threading.Event()
        if not holds:
            self._may_pass.set()

    def hold(self) -> None:
        self.held.clear()
        self._may_pass.clear()

    def release(self) -> None:
        self._may_pass.set()

    def __exit__(self, *_) -> None:
        self.release()
        super().__exit__()

    def _answered(self, data: bytes, plans: "_Plans") -> bool:
        if not self._may_pass.is_set():
            if b"SELECT" in data:
                self.held.set()
            self._may_pass.wait(60)
        return True


class SlowProxy(Proxy):
    """Between a program and its database. Each question is on its way for as many seconds as slow_down() has said last."""

    def __init__(self, to_port: int):
        super().__init__(to_port)
        self._seconds = 0.0

    def slow_down(self, seconds: float) -> None:
        self._seconds = seconds

    def _asked(self, data: bytes, plans: "_Plans") -> bool:
        self._over.wait(self._seconds)
        return True


class StallProxy(Proxy):
    """Between a projector and PostgreSQL. Once a COPY of `what` has begun, nothing more of that connection gets through, as if the
    projector were stopped, or cut off; `stalled` is set then."""

    def __init__(self, to_port: int, what: bytes):
        super().__init__(to_port)
        self._begins = b"COPY " + what
        self.stalled = threading.Event()
        self._go_on = threading.Event()

    def __exit__(self, *_) -> None:
        self._go_on.set()
        super().__exit__()

    def _asked(self, data: bytes, plans: "_Plans") -> bool:
        if plans.stalls:
            self.stalled.set()
            self._go_on.wait()
            return False
        plans.stalls = self._begins in data
        return True


def projector_behind(stack, proxy: Proxy) -> dict[str, str | None]:
    """Settings with which the projector's PostgreSQL is the proxy."""
    conninfo = stack.postgres.conninfo("rr_projector")
    real, other = f" port={stack.postgres.port} ", f" port={proxy.port} "
    assert real in conninfo
    return {"RR_PG_CONNINFO": conninfo.replace(real, other), "RR_PG_CONNINFO_FILE": None}


class _Plans:
    """What is to happen on one connection."""

    for_answers: str | None = None
    stalls = False


def _close(one: socket.socket) -> None:
    try:
        one.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    one.close()
