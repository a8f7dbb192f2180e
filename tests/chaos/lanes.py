"""Many HTTP clients on one thread: each is a generator that yields calls and is sent the answers.

Cheap on purpose (a few dozen microseconds a call), so that the service and not the test is what is busy.
"""

import heapq
import json
import selectors
import socket
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from functools import cached_property

# No answer after this is a broken one: the service promises to be faster with a refusal.
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    body: dict | None = None
    headers: dict[str, str] = field(default_factory=dict)
    give_up_after: float | None = None  # closes the connection then, as a client that has lost its patience

    def encode(self) -> bytes:
        body = b"" if self.body is None else json.dumps(self.body).encode()
        lines = [f"{self.method} {self.path} HTTP/1.1", "Host: chaos", f"Content-Length: {len(body)}"]
        if self.body is not None:
            lines.append("Content-Type: application/json")
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@dataclass(frozen=True)
class Answer:
    """`status` 0: the connection broke, or nothing came for too long."""

    status: int
    body: bytes = b""

    @cached_property
    def json(self) -> dict:
        return json.loads(self.body)

    @property
    def code(self) -> str | None:
        return self.json.get("code") if self.status >= 400 else None


# What a client does: yields calls, is sent an Answer, or None when it gave up before there was one.
Script = Generator[Call, Answer | None, None]


class _Lane:
    def __init__(self, port: int, script: Script):
        self.port = port
        self.script = script
        self.call: Call | None = None
        self.turn = 0  # of the present call: a timer of a former one is known by it
        self.buffer = b""
        self.socket: socket.socket | None = None

    def connect(self, selector: selectors.BaseSelector) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(self.socket, selectors.EVENT_READ, self)

    def hang_up(self, selector: selectors.BaseSelector) -> None:
        if self.socket:
            selector.unregister(self.socket)
            self.socket.close()
            self.socket = None

    def receive(self) -> Answer | None:
        """What has come, if it is whole."""
        try:
            data = self.socket.recv(65536)
        except OSError:
            data = b""
        if not data:
            return Answer(0)
        self.buffer += data
        head, separator, body = self.buffer.partition(b"\r\n\r\n")
        if not separator:
            return None
        start = head.lower().find(b"content-length:")
        length = int(head[start + 15 :].split(b"\r\n", 1)[0]) if start >= 0 else 0
        return Answer(int(head[9:12]), body) if len(body) >= length else None


def run(port: int, scripts: list[Script], note: Callable[[Call, Answer | None], None]) -> None:
    """Runs all scripts side by side until each has ended; `note` sees every call with what came of it."""
    _Run(port, scripts, note).run()


class _Run:
    def __init__(self, port: int, scripts: list[Script], note):
        self.selector = selectors.DefaultSelector()
        self.lanes = [_Lane(port, script) for script in scripts]
        self.timers: list[tuple[float, int, _Lane]] = []  # the turn as the tie-breaker, then nobody compares lanes
        self.turns = 0
        self.note = note

    def run(self) -> None:
        for lane in self.lanes:
            self._go_on(lane, None)
        while self.selector.get_map():
            self._expire()
            timeout = max(0.0, self.timers[0][0] - time.monotonic()) if self.timers else None
            for key, _ in self.selector.select(timeout):
                lane = key.data
                answer = lane.receive()
                if answer and answer.status == 0:
                    lane.hang_up(self.selector)
                if answer:
                    self._go_on(lane, answer)
        self.selector.close()

    def _go_on(self, lane: _Lane, answer: Answer | None) -> None:
        """Hands the answer to the script and sends its next call."""
        while True:
            if lane.call:
                self.note(lane.call, answer)
            try:
                lane.call = lane.script.send(answer if lane.call else None)
            except StopIteration:
                lane.hang_up(self.selector)
                return
            if self._send(lane):
                return
            answer = Answer(0)

    def _send(self, lane: _Lane) -> bool:
        self.turns += 1
        lane.turn = self.turns
        lane.buffer = b""
        seconds = PATIENCE_SECONDS if lane.call.give_up_after is None else lane.call.give_up_after
        heapq.heappush(self.timers, (time.monotonic() + seconds, lane.turn, lane))
        try:
            if lane.socket is None:
                lane.connect(self.selector)
            lane.socket.sendall(lane.call.encode())
            return True
        except OSError:
            lane.hang_up(self.selector)
            return False

    def _expire(self) -> None:
        while self.timers and self.timers[0][0] <= time.monotonic():
            _, turn, lane = heapq.heappop(self.timers)
            if lane.turn == turn and lane.socket:
                lane.hang_up(self.selector)
                self._go_on(lane, Answer(0) if lane.call.give_up_after is None else None)
