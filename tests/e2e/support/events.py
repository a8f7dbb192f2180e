"""A client of Server-Sent Events, by the rules of the HTML Standard, section 9.2."""

import json
import threading
from dataclasses import dataclass, field

import requests

from .waiting import eventually


@dataclass
class Event:
    kind: str
    id: str
    data: dict


@dataclass
class _Block:
    kind: str = "message"
    data: list[str] = field(default_factory=list)


class Stream:
    """`with Stream(query.url, room_id=7) as stream:` reads in a thread of its own; `events` grows."""

    def __init__(self, url: str, *, last_id: str | None = None, headers: dict | None = None, **filters):
        self.events: list[Event] = []
        self.comments: list[str] = []
        self.last_id = last_id
        self._told_id = last_id  # of the block that is being read; that of the stream when the block is complete
        self.ended = False
        headers = dict(headers or {}) | ({"Last-Event-ID": last_id} if last_id else {})
        self._session = requests.Session()
        self._session.trust_env = False
        self._response = self._session.get(
            f"{url}/v1/events", params=filters, headers=headers, stream=True, timeout=(10, 60)
        )
        self._thread = threading.Thread(target=self._read, daemon=True)
        self.headers = self._response.headers
        self.status = self._response.status_code

    def __enter__(self) -> "Stream":
        assert self.status == 200, self._response.text
        assert self.headers["Content-Type"] == "text/event-stream"
        self._thread.start()
        eventually(lambda: self.last_id)  # the opening has come
        return self

    def __exit__(self, *_):
        self.close()

    def close(self) -> None:
        """The client hangs up."""
        connection = getattr(self._response.raw, "_connection", None)
        if connection is not None and connection.sock is not None:
            connection.sock.shutdown(2)
        self._response.close()
        self._session.close()
        if self._thread.is_alive():
            self._thread.join(10)

    def wait_for(self, count: int, seconds: float = 30) -> list[Event]:
        eventually(lambda: len(self.events) >= count, seconds)
        return self.events

    @property
    def seen(self) -> list[tuple[str, int]]:
        """Which versions of which reservations were told, in order."""
        return [(event.data["reservation_id"], event.data["version"]) for event in self.events]

    def _read(self) -> None:
        block = _Block()
        try:
            for line in self._response.iter_lines(chunk_size=1):
                block = self._take(line.decode(), block)
            self.ended = True
        except (requests.RequestException, OSError, AttributeError, ValueError):
            pass  # hung up

    def _take(self, line: str, block: _Block) -> _Block:
        if not line:
            if block.data:
                self.events.append(Event(block.kind, self._told_id, json.loads("\n".join(block.data))))
            self.last_id = self._told_id
            return _Block()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not name:
            self.comments.append(value)
        elif name == "event":
            block.kind = value
        elif name == "data":
            block.data.append(value)
        elif name == "id":
            self._told_id = value
        else:
            assert name == "retry" and value.isdigit(), line
        return block
