"""Who asks the same at the same time is given one answer, which is never older than the question.

What PostgreSQL answers to one event loop is held back, so that all of them are at the same time.
"""

from functools import partial

import pytest
from support.api import unique
from support.held import held_query
from support.times import on
from support.tokens import Signer

YEAR = {"from_": on(0, "00:00"), "to": on(365, "00:00")}


@pytest.fixture
def signer(tmp_path):
    return Signer(tmp_path / "keys")


@pytest.fixture
def held(stack, tmp_path, signer):
    with held_query(stack, tmp_path, **signer.settings) as one:
        yield one


def test_many_who_ask_the_same_share_two_statements(held, signer):
    """The one that is under way, and one for all who came meanwhile, whoever they are."""
    one = signer.headers("ann")
    held.client.popular(headers=one, **YEAR)
    shared = held.shared()
    with held.answers():
        reads = [
            held.ask(held.client.popular, headers=signer.headers(unique("user"), admin=n % 2 == 0), **YEAR)
            for n in range(20)
        ]
    answers = [read.result() for read in reads]
    assert len({answer.text for answer in answers[1:]}) == 1
    assert len({answer.headers["X-Request-Id"] for answer in answers}) == 20
    assert all(answer.as_of == answer["as_of"] for answer in answers)
    assert held.shared() == shared + 18


def test_a_read_sees_what_was_applied_before_it_came(held, command, query, signer, room, user):
    """Although an older answer to the same question is still on its way."""
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user, title="old")
    query.reservation(booked, token=booked.token)
    mine = signer.headers(user)
    held.client.reservation(booked, headers=mine)
    with held.answers():
        before = held.ask(held.client.reservation, booked, headers=mine)
        assert held.proxy.held.wait(30)
        changed = command.change(booked, title="new")
        query.reservation(booked, token=changed.token)
        after = [held.ask(held.client.reservation, booked, headers=mine) for _ in range(3)]
    assert before.result()["title"] == "old"
    assert [read.result()["title"] for read in after] == ["new"] * 3
    assert {read.result().as_of >= before.result().as_of for read in after} == {True}


def test_users_with_other_rights_never_share(held, command, query, signer, room):
    owner, other = unique("owner"), unique("other")
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), owner, title="secret")
    query.reservation(booked, token=booked.token)
    path, span = f"/v1/rooms/{room['id']}/schedule", {"from_": on(2, "00:00"), "to": on(3, "00:00")}
    callers = {
        owner: signer.headers(owner),
        other: signer.headers(other),
        "boss": signer.headers("boss", admin=True),
    }
    held.client.read(path, headers=callers[owner], **span)
    with held.answers():
        reads = [
            (name, held.ask(held.client.read, path, headers=callers[name], **span))
            for name in [owner, other, "boss", other] * 3
        ]
        hidden = [
            held.ask(held.client.reservation, booked, headers=callers[name], expect=None)
            for name in (owner, other)
        ]
    for name, read in reads:
        (item,) = read.result()["items"]
        shown = (owner, "secret", booked["id"]) if name != other else (None, None, None)
        assert (item["user_id"], item["title"], item["reservation_id"]) == shown
    assert [read.result().status for read in hidden] == [200, 404]


def test_who_shares_has_their_own_condition_and_method(held, signer, room, query):
    query.room(room, token=room.token)
    path, user = f"/v1/rooms/{room['id']}", signer.headers("ann")
    first = held.client.get(path, headers=user)
    other = {**user, "If-None-Match": '"999"'}
    same = {**user, "If-None-Match": first.etag}
    shared = held.shared()
    with held.answers():
        reads = [held.ask(held.client.get, path, headers=headers) for headers in (user, same, other, same, user)]
        head = held.ask(held.client.call, "HEAD", path, headers=user)
    assert [read.result().status for read in reads] == [200, 304, 200, 304, 200]
    assert {read.result().etag for read in [*reads, head]} == {first.etag}
    assert (head.result().status, head.result().headers["Content-Length"]) == (200, str(len(first.text)))
    assert {read.result().text for read in reads} == {first.text, ""}
    assert held.shared() == shared + 4


def test_what_many_have_to_know_first_is_asked_once(stack, tmp_path):
    """They come before the list of time zones, with names that are not in it."""
    with held_query(stack, tmp_path, connected=False) as held:
        ask = partial(held.client.busy_hours, expect=422, **YEAR)
        waiting = held.ask_all([partial(ask, tz=f"Mars/{n}") for n in range(30)])
        held.proxy.release()
        assert all(one.result().bad_names == {"tz"} for one in waiting)
        assert held.client.metrics().value("rr_pg_queries_total") < 15
