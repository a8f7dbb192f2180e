"""Who may do what: services of their own with RR_AUTH=jwt, beside the session's, on the same databases."""

import signal
from pathlib import Path

import pytest
from support import programs
from support.api import unique
from support.programs import Program
from support.times import on
from support.tokens import script
from support.waiting import eventually

ISSUER = "https://id.example"
AUDIENCE = "rooms"
ALGORITHMS = ("RS256", "ES256", "EdDSA", "HS256")


class Keys:
    """A folder of keys, and tokens signed with them."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.signing: dict[str, str] = {}

    def new(self, kid: str, alg: str = "ES256") -> None:
        self.signing[kid] = script("--new-key", self.folder, kid, alg)

    def remove(self, kid: str) -> None:
        for file in self.folder.glob(f"{kid}.*"):
            file.unlink()

    def token(
        self, user: str, *more: str, kid: str = "main", issuer: str = ISSUER, audience: str = AUDIENCE
    ) -> str:
        return script("--user", user, "--key", self.signing[kid], "--iss", issuer, "--aud", audience, *more)


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    keys = Keys(tmp_path_factory.mktemp("keys"))
    keys.new("main")
    for alg in ALGORITHMS:
        keys.new(f"by-{alg}", alg)
    return keys


def settings(keys: Keys) -> dict[str, str]:
    return {
        "RR_AUTH": "jwt",
        "RR_JWT_KEYS_DIR": str(keys.folder),
        "RR_JWT_ISSUER": ISSUER,
        "RR_JWT_AUDIENCE": AUDIENCE,
    }


@pytest.fixture(scope="module")
def command_jwt(stack, keys, tmp_path_factory):
    with Program(stack, "command-svc", tmp_path_factory.mktemp("command"), **settings(keys)) as program:
        yield program.client


@pytest.fixture(scope="module")
def query_jwt(stack, keys, tmp_path_factory):
    with Program(stack, "query-svc", tmp_path_factory.mktemp("query"), **settings(keys)) as program:
        yield program.client


class Caller:
    """One person with a token, at both services."""

    def __init__(self, name, token, command, query):
        self.name = name
        self.command = command.bearing(token)
        self.query = query.bearing(token)

    def reserve(self, room, starts_at, ends_at, **options):
        """For whoever the token names: no user_id."""
        body = {"room_id": room["id"], "starts_at": starts_at, "ends_at": ends_at}
        return self.command.call("POST", "/v1/reservations", body, **{"expect": 201, **options})


@pytest.fixture(scope="module")
def caller(keys, command_jwt, query_jwt):
    def make(*more: str, name: str | None = None) -> Caller:
        name = name or unique("user")
        return Caller(name, keys.token(name, *more), command_jwt, query_jwt)

    return make


@pytest.fixture(scope="module")
def ann(caller):
    return caller()


@pytest.fixture(scope="module")
def bob(caller):
    return caller()


@pytest.fixture(scope="module")
def root(caller):
    return caller("--admin")


@pytest.fixture
def anns(ann, room):
    """A reservation of ann's."""
    return ann.reserve(room, on(5, "10:00"), on(5, "11:00"))


# Who calls


def test_without_a_token_nobody_gets_anything_but_health(command_jwt, query_jwt, room):
    for service, path in (
        (command_jwt, f"/v1/rooms/{room['id']}"),
        (query_jwt, "/v1/rooms"),
        (query_jwt, "/v1/users/ann/reservations"),
    ):
        answer = service.get(path, expect=401, code="unauthenticated")
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    answer = command_jwt.call("POST", "/v1/rooms", {"name": unique("room"), "capacity": 1}, expect=401)
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    for service in (command_jwt, query_jwt):
        for path in ("/livez", "/readyz", "/metrics"):
            service.get(path, expect=200)


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_tokens_of_every_algorithm_are_taken(keys, command_jwt, query_jwt, room, alg):
    user = unique("user")
    caller = Caller(user, keys.token(user, kid=f"by-{alg}"), command_jwt, query_jwt)
    assert caller.reserve(room, on(6, "10:00"), on(6, "11:00"))["user_id"] == user
    caller.query.rooms(limit=1)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"more": ["--ttl=-5m"]}, "expired"),
        ({"issuer": "https://evil.example"}, "issuer"),
        ({"audience": "mail"}, "audience"),
    ],
)
def test_a_token_that_is_not_for_us_is_refused_with_the_reason(keys, query_jwt, options, reason):
    token = keys.token("ann", *options.pop("more", []), **options)
    answer = query_jwt.bearing(token).get("/v1/rooms", expect=401, code="unauthenticated")
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert reason in answer.headers["WWW-Authenticate"]
    assert reason in answer["detail"]


# Owners


def test_a_user_books_for_themself(ann, room):
    made = ann.reserve(room, on(5, "12:00"), on(5, "13:00"))
    assert made["user_id"] == ann.name
    assert ann.command.reserve(room, on(5, "13:00"), on(5, "14:00"), user=ann.name)["user_id"] == ann.name
    (item,) = ann.query.history(ann.name, token=made.token, limit=1)["items"]
    assert item["recorded_by"] == ann.name


def test_a_user_books_for_nobody_else(ann, bob, room):
    answer = ann.command.reserve(room, on(5, "12:00"), on(5, "13:00"), user=bob.name, expect=403, code="forbidden")
    assert "admin" in answer["detail"]


def test_somebody_elses_reservation_is_not_there(ann, bob, anns):
    bob.command.reservation(anns, expect=404)
    bob.command.change(anns, title="mine now", expect=404, code="not-found")
    bob.command.cancel(anns, expect=404, code="not-found")
    bob.query.reservation(anns, token=anns.token, expect=404)
    assert ann.command.reservation(anns)["version"] == 1
    assert ann.query.reservation(anns, token=anns.token)["state"] == "confirmed"


def test_an_owner_changes_and_cancels(ann, anns):
    changed = ann.command.change(anns, title="with the board")
    assert ann.command.cancel(changed)["state"] == "cancelled"


def test_another_users_path_is_forbidden(ann, bob, anns):
    for path in ("reservations", "reservation-history"):
        bob.query.read(f"/v1/users/{ann.name}/{path}", expect=403, code="forbidden")
        assert ann.query.read(f"/v1/users/{ann.name}/{path}", token=anns.token)["items"]


def test_whoever_is_given_a_reservation_does_not_learn_whose_it_was(ann, bob, root, mysql, room):
    booked = ann.command.reserve(room, on(6, "10:00"), on(6, "11:00"), ann.name, title="between us")
    booked = ann.command.change(booked, title="still between us")
    with mysql.cursor() as cursor:
        cursor.execute(
            "UPDATE reservation SET user_id = %s, title = 'given' WHERE id = UUID_TO_BIN(%s)",
            [bob.name, booked["id"]],
        )
    mine = bob.command.change(bob.command.reservation(booked), title="mine now")
    path = f"/v1/reservations/{booked['id']}/history"
    for answer in (bob.query.read(path, token=mine.token), bob.query.history(bob.name, token=mine.token)):
        events = [item for item in answer["items"] if item["reservation_id"] == booked["id"]]
        assert [event["version"] for event in events] == [4, 3]
        assert events[0]["changes"] == {"title": {"from": "given", "to": "mine now"}}
        assert events[1]["changes"] == {
            "title": {"from": None, "to": "given"},
            "user_id": {"from": None, "to": bob.name},
        }
        assert ann.name not in answer.text and "between us" not in answer.text
    assert [item["version"] for item in root.query.read(path)["items"]] == [4, 3, 2, 1]
    for history in (root.query.read(path), root.query.history(bob.name)):
        assert {"from": ann.name, "to": bob.name} in [item["changes"].get("user_id") for item in history["items"]]
    ann.query.read(path, expect=404)
    theirs = ann.query.history(ann.name)
    assert [item["version"] for item in theirs["items"] if item["reservation_id"] == booked["id"]] == [2, 1]
    assert bob.name not in theirs.text


def test_rooms_and_statistics_are_for_every_user(bob, room):
    bob.command.room(room)
    bob.query.room(room, token=room.token)
    bob.query.rooms()
    bob.query.popular(on(1, "00:00"), on(9, "00:00"))
    bob.query.busy_hours(on(1, "00:00"), on(9, "00:00"))


def test_a_conflict_does_not_say_whose_it_is(ann, bob, room):
    ann.reserve(room, on(7, "10:00"), on(7, "11:00"))
    answer = bob.reserve(room, on(7, "10:30"), on(7, "11:30"), expect=409, code="slot-taken")
    assert ann.name not in answer.text


def test_rooms_are_the_admins_business(ann, root):
    answer = ann.command.create_room(expect=403)
    assert answer["code"] == "forbidden"
    assert "role admin" in answer["detail"]
    room = root.command.create_room()
    ann.command.change_room(room, name=unique("room"), expect=403, code="forbidden")
    root.command.change_room(room, capacity=9)


def test_an_admin_does_everything(ann, root, room, anns):
    assert root.reserve(room, on(5, "15:00"), on(5, "16:00"))["user_id"] == root.name
    root.command.reserve(room, on(5, "16:00"), on(5, "17:00"), user=ann.name)
    changed = root.command.change(anns, title="moved by the office")
    cancelled = root.command.cancel(changed)
    root.query.reservation(anns, token=cancelled.token)
    assert root.query.reservations(ann.name)["items"]
    items = root.query.history(ann.name, token=cancelled.token)["items"]
    assert items[0]["recorded_by"] == root.name


def test_the_same_idempotency_key_of_two_users_is_two_keys(ann, bob, room):
    headers = {"Idempotency-Key": unique("key")}
    first = ann.reserve(room, on(8, "10:00"), on(8, "11:00"), headers=headers)
    second = bob.reserve(room, on(8, "11:00"), on(8, "12:00"), headers=headers)
    assert first["id"] != second["id"]
    again = ann.reserve(room, on(8, "10:00"), on(8, "11:00"), headers=headers)
    assert again["id"] == first["id"]
    assert again.headers["Idempotency-Replayed"] == "true"


# Keys


@pytest.mark.parametrize("name", ["command-svc", "query-svc"])
def test_sighup_brings_new_keys_and_takes_old_ones_away(stack, tmp_path, room, name):
    keys = Keys(tmp_path / "keys")
    keys.new("old")
    with Program(stack, name, tmp_path, **settings(keys)) as program:

        def status(token: str) -> int:
            return program.client.bearing(token).get(f"/v1/rooms/{room['id']}").status

        def read_again():
            logged = len(program.log.read_text())
            program.process.send_signal(signal.SIGHUP)
            eventually(lambda: "keys of tokens" in program.log.read_text()[logged:])
            return program.log.read_text()[logged:]

        old = keys.token("ann", kid="old")
        keys.new("new", "EdDSA")
        new = keys.token("ann", kid="new")
        eventually(lambda: status(old) == 200)
        assert status(new) == 401
        read_again()
        assert (status(old), status(new)) == (200, 200)
        (keys.folder / "broken.RS256.pem").write_text("no key")
        keys.remove("old")
        assert "broken.RS256.pem" in read_again()
        assert (status(old), status(new)) == (200, 200)
        keys.remove("broken")
        read_again()
        assert (status(old), status(new)) == (401, 200)


@pytest.mark.parametrize("name", ["command-svc", "query-svc"])
@pytest.mark.parametrize("auth", ["jwt", None])
def test_without_keys_the_start_is_refused(stack, name, auth):
    port = str(programs.free_port())
    ended = programs.run(stack, name, settings={"RR_AUTH": auth, "RR_HTTP_PORT": port})
    assert ended.returncode not in (0, None)
    assert "RR_JWT_KEYS_DIR" in ended.stderr


@pytest.mark.parametrize("name", ["command-svc", "query-svc"])
def test_a_folder_with_a_broken_key_refuses_the_start_and_is_named(stack, tmp_path, name):
    (tmp_path / "k1.RS256.pem").write_text("no key")
    port = str(programs.free_port())
    ended = programs.run(
        stack, name, settings={"RR_AUTH": "jwt", "RR_JWT_KEYS_DIR": str(tmp_path), "RR_HTTP_PORT": port}
    )
    assert ended.returncode not in (0, None)
    assert "k1.RS256.pem" in ended.stderr
