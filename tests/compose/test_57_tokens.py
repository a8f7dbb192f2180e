"""RR_AUTH=jwt, with keys as the README has them made: who calls is who the token says."""

import pytest
from stacklib.errors import StackError
from support.api import Command, Query
from support.times import on
from support.tokens import script


@pytest.fixture(scope="module")
def key(tmp_path_factory, project) -> str:
    """The file that signs; the containers that take its tokens are up."""
    folder = tmp_path_factory.mktemp("tokens") / "keys"
    key = script("--new-key", folder, "k1", "ES256")
    before = dict(project.settings)
    project.settings |= {"RR_AUTH": "jwt", "RR_JWT_KEYS": str(folder)}
    project.up()
    yield key
    project.settings = before | {"RR_AUTH": "off"}
    project.up()
    project.settings = before


def test_nobody_gets_in_without_a_token(project, key):
    Command(project.url).call("POST", "/v1/rooms", {"name": "nobody's", "capacity": 1}, expect=401)
    Query(project.url).get("/v1/rooms", expect=401)
    assert "left out" in project.compose("logs", "--no-log-prefix", "--tail", "1", "demo")


def test_callers_are_who_their_tokens_say(project, key):
    def caller(name: str, *more: str) -> tuple[Command, Query]:
        token = script("--user", name, "--key", key, *more)
        return Command(project.url).bearing(token), Query(project.url).bearing(token)

    admin, _ = caller("root", "--admin")
    ann, anns_view = caller("ann")
    bob, bobs_view = caller("bob")
    room = admin.create_room()
    ann.create_room(expect=403)
    body = {"room_id": room["id"], "starts_at": on(4, "10:00"), "ends_at": on(4, "11:00")}
    booked = ann.call("POST", "/v1/reservations", body, expect=201)
    assert booked["user_id"] == "ann"
    assert anns_view.reservation(booked, token=booked.token)["user_id"] == "ann"
    bobs_view.reservation(booked, token=booked.token, expect=404)
    bob.cancel(booked, expect=404)


def test_up_without_rr_auth_does_not_let_everybody_in(project, key):
    said = project.settings
    project.settings = {name: value for name, value in said.items() if name != "RR_AUTH"}
    with pytest.raises(StackError, match="prepare"):
        project.up()
    project.settings = said
    assert "RR_AUTH is not set" in project.compose("logs", "--no-log-prefix", "prepare")
    # The programs may be there no more: then their addresses refuse, or do not answer.
    assert Query(project.url).get("/v1/rooms").status in (401, 502, 504)
    project.up()
    Query(project.url).get("/v1/rooms", expect=401)
