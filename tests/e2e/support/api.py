"""The two services as their users see them: thin calls that read like the API's story.

Every answer that comes through here is held against the rules that all answers keep (a request id, problem+json for
errors, Retry-After with 503), so that each test checks them too.
"""

import threading
import uuid
from collections.abc import Iterator, Mapping

import requests

from .metrics import Metrics

SECONDS = 30.0
UNSET = object()
# How long a read may wait for a write at most. Less is what a test is about, or a failure of the machine's.
WAIT_SECONDS = 10
_JSON = ("application/json", "application/problem+json")
# What a gateway wants to hear before it asks command-svc.
_TRUTH = {"Cache-Control": "no-cache"}


class Answer(Mapping):
    """An HTTP answer; of its JSON object the members are at hand: answer["id"]."""

    def __init__(self, response: requests.Response):
        self.status = response.status_code
        self.headers = response.headers
        self.text = response.text
        self.seconds = response.elapsed.total_seconds()
        is_json = response.headers.get("Content-Type", "").split(";")[0] in _JSON
        self.json = response.json() if is_json and response.text else None

    def __getitem__(self, name):
        return self.json[name]

    def __iter__(self) -> Iterator:
        return iter(self.json)

    def __len__(self) -> int:
        return len(self.json)

    def __repr__(self) -> str:
        return f"{self.status} {self.text}"

    @property
    def token(self) -> str:
        return self.headers["Consistency-Token"]

    @property
    def etag(self) -> str:
        return self.headers["ETag"]

    @property
    def as_of(self) -> str:
        return self.headers["Projection-As-Of"]

    @property
    def bad_names(self) -> set[str]:
        """The fields that the problem names."""
        return {param["name"] for param in self.json["invalid_params"]}


def _check_rules(answer: Answer) -> None:
    assert answer.headers.get("X-Request-Id"), f"an answer without X-Request-Id: {answer}"
    if answer.status < 400:
        return
    assert answer.headers["Content-Type"] == "application/problem+json", (
        f"an error that is no problem+json: {answer}"
    )
    assert answer["type"] == f"/problems/{answer['code']}"
    assert answer["title"]
    assert answer["status"] == answer.status
    assert answer["request_id"] == answer.headers["X-Request-Id"]
    assert answer.status != 500, f"an internal error: {answer}"
    if answer.status == 503:
        assert int(answer.headers["Retry-After"]) >= 1, f"503 without Retry-After: {answer}"


class Service:
    """One program. Safe to use from several threads: each has its connections."""

    def __init__(self, url: str, bearer: str | None = None):
        self.url = url
        self.bearer = bearer
        self._local = threading.local()

    def bearing(self, token: str):
        """The same service, called with this bearer token."""
        return type(self)(self.url, token)

    def call(
        self,
        method: str,
        path: str,
        body=None,
        *,
        headers: dict | None = None,
        params: dict | None = None,
        data: bytes | None = None,
        expect: int | None = None,
        code: str | None = None,
        seconds: float = SECONDS,
    ) -> Answer:
        """Sends a request; `expect` is the status and `code` the problem that have to come back."""
        try:
            response = self._session.request(
                method,
                self.url + path,
                json=body,
                data=data,
                headers={name: value for name, value in (headers or {}).items() if value is not None},
                params={name: value for name, value in (params or {}).items() if value is not None},
                timeout=seconds,
            )
        except requests.ConnectionError as error:
            raise requests.ConnectionError(f"{method} {self.url}{path}: {error}") from None
        answer = Answer(response)
        if method != "HEAD":
            _check_rules(answer)
        if expect is not None:
            assert answer.status == expect, f"{method} {path}: expected {expect}, got {answer}"
        if code is not None:
            assert answer["code"] == code, f"{method} {path}: expected {code}, got {answer}"
        return answer

    def get(self, path: str, **options) -> Answer:
        return self.call("GET", path, **options)

    def metrics(self) -> Metrics:
        answer = self.get("/metrics", expect=200)
        assert answer.headers["Content-Type"].startswith("text/plain")
        return Metrics(answer.text)

    def is_ready(self, path: str = "/readyz") -> bool:
        try:
            return self.get(path).status == 200
        except requests.ConnectionError:
            return False

    @property
    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            self._local.session.trust_env = False
            if self.bearer is not None:
                self._local.session.headers["Authorization"] = f"Bearer {self.bearer}"
        return self._local.session


def _id(thing):
    """The id of a room or reservation that is given as an id or as an answer."""
    return thing["id"] if isinstance(thing, Mapping) else thing


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


class Command(Service):
    """command-svc: every write, and strong reads."""

    def create_room(
        self, name: str | None = None, capacity=8, location=None, *, key=None, expect=201, **options
    ) -> Answer:
        body = {"name": name or unique("room"), "capacity": capacity, "location": location}
        return self.call("POST", "/v1/rooms", body, headers={"Idempotency-Key": key}, expect=expect, **options)

    def change_room(self, room, *, if_match=UNSET, expect=200, code=None, **fields) -> Answer:
        headers = {"If-Match": f'"{room["version"]}"' if if_match is UNSET else if_match}
        return self.call("PATCH", f"/v1/rooms/{_id(room)}", fields, headers=headers, expect=expect, code=code)

    def room(self, room, expect=200) -> Answer:
        return self.get(f"/v1/rooms/{_id(room)}", headers=_TRUTH, expect=expect)

    def reserve(
        self,
        room,
        starts_at,
        ends_at,
        user="ann",
        *,
        title=UNSET,
        key=None,
        headers=None,
        expect=201,
        code=None,
        **more,
    ) -> Answer:
        body = {"room_id": _id(room), "user_id": user, "starts_at": starts_at, "ends_at": ends_at, **more}
        if title is not UNSET:
            body["title"] = title
        headers = {"Idempotency-Key": key, **(headers or {})}
        return self.call("POST", "/v1/reservations", body, headers=headers, expect=expect, code=code)

    def change(self, reservation, *, if_match=UNSET, key=None, expect=200, code=None, **fields) -> Answer:
        etag = f'"{reservation["version"]}"' if if_match is UNSET else if_match
        headers = {"If-Match": etag, "Idempotency-Key": key}
        path = f"/v1/reservations/{_id(reservation)}"
        return self.call("PATCH", path, fields, headers=headers, expect=expect, code=code)

    def cancel(self, reservation, reason=None, *, key=None, expect=200, code=None) -> Answer:
        body = {"reason": reason} if reason is not None else None
        path = f"/v1/reservations/{_id(reservation)}/cancellation"
        return self.call("POST", path, body, headers={"Idempotency-Key": key}, expect=expect, code=code)

    def reservation(self, reservation, expect=200) -> Answer:
        return self.get(f"/v1/reservations/{_id(reservation)}", headers=_TRUTH, expect=expect)


class Query(Service):
    """query-svc: everything else. `token` is that of a write, or several, which the answer then includes."""

    def read(self, path, *, token=None, wait=None, headers=None, expect=200, code=None, **params) -> Answer:
        if token and wait is None and expect == 200:
            wait = WAIT_SECONDS
        headers = {
            "Consistency-Token": ", ".join(token) if isinstance(token, list) else token,
            "Prefer": None if wait is None else f"wait={wait}",
            **(headers or {}),
        }
        # `from` is a word of Python's.
        params = {name.rstrip("_"): value for name, value in params.items()}
        answer = self.get(path, headers=headers, params=params, expect=expect, code=code)
        if answer.status == 200:
            assert answer.as_of, f"GET {path}: no Projection-As-Of"
        return answer

    def walk(self, path, **params) -> list[list[dict]]:
        """The items of every page of a list."""
        pages = []
        cursor = None
        while True:
            answer = self.read(path, cursor=cursor, **params)
            assert answer["as_of"] == answer.as_of
            pages.append(answer["items"])
            cursor = answer["next_cursor"]
            assert (cursor is not None) == ('rel="next"' in answer.headers.get("Link", ""))
            if cursor is None:
                return pages

    def rooms(self, **options) -> Answer:
        return self.read("/v1/rooms", **options)

    def room(self, room, **options) -> Answer:
        return self.read(f"/v1/rooms/{_id(room)}", **options)

    def reservation(self, reservation, **options) -> Answer:
        return self.read(f"/v1/reservations/{_id(reservation)}", **options)

    def reservations(self, user, **options) -> Answer:
        return self.read(f"/v1/users/{user}/reservations", **options)

    def history(self, user, **options) -> Answer:
        return self.read(f"/v1/users/{user}/reservation-history", **options)

    def popular(self, from_, to, **options) -> Answer:
        return self.read("/v1/rooms/popular", from_=from_, to=to, **options)

    def busy_hours(self, from_, to, **options) -> Answer:
        return self.read("/v1/statistics/busy-hours", from_=from_, to=to, **options)
