"""Each server down, stopped in good order or killed: what needs it says 503, the rest goes on, and all recovers by itself
when it is back."""

from itertools import count

import pytest
import requests
from support import truth
from support.databases import connect_mysql, connect_postgres
from support.load import Load, lost
from support.outages import down, reconnects
from support.times import on
from support.waiting import PATIENCE_SECONDS, eventually

HOW = ["stopped", "killed"]


@pytest.fixture
def whole_path_works(command, query, user):
    """Waits until a new booking comes out at the other end; each try takes a time of its own, for one whose outcome is unknown may
    have been booked."""

    def check(room):
        hours = count(30 * 24)

        def works():
            day, hour = divmod(next(hours), 24)
            try:
                booked = command.reserve(
                    room, on(day, f"{hour:02}:00"), on(day, f"{hour:02}:30"), user, expect=None
                )
                if booked.status != 201:
                    return False
                command.cancel(booked)
                return query.history(user, token=booked.token, wait=5, expect=None).status == 200
            except requests.ConnectionError:
                return False

        eventually(works, seconds=PATIENCE_SECONDS, interval=0.2)

    return check


@pytest.mark.parametrize("how", HOW)
def test_without_mysql_writes_are_503_and_reads_go_on(stack, command, query, room, user, how, whole_path_works):
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user)
    query.history(user, token=booked.token)
    with down(stack, "mysql", how):
        refused = command.reserve(room, on(3, "10:00"), on(3, "11:00"), user, expect=503)
        assert refused["code"] in ("database-unavailable", "outcome-unknown")
        command.reserve(room, on(3, "10:00"), on(3, "11:00"), user, expect=503, code="database-unavailable")
        assert command.get("/readyz").status == 503
        command.get("/livez", expect=200)
        command.reservation(booked, expect=503)
        assert len(query.history(user)["items"]) == 1
        query.get("/readyz", expect=200)
    eventually(command.is_ready)
    whole_path_works(room)


@pytest.mark.parametrize("how", HOW)
def test_without_postgres_reads_are_503_and_writes_go_on(
    stack, command, query, projector, room, user, how, whole_path_works
):
    with reconnects(query), down(stack, "postgres", how):
        refused = query.history(user, expect=503)
        assert refused["code"] in ("database-unavailable", "database-busy")
        query.history(user, token=room.token, expect=503)
        assert query.get("/readyz").status == 503
        query.get("/livez", expect=200)
        eventually(lambda: projector.get("/readyz").status == 503)
        booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user)
        command.get("/readyz", expect=200)
    eventually(query.is_ready, PATIENCE_SECONDS)
    eventually(projector.is_ready, PATIENCE_SECONDS)
    eventually(lambda: query.history(user, token=booked.token, expect=None).status == 200, PATIENCE_SECONDS)
    whole_path_works(room)


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("name", ["kafka", "connect", "projector"])
def test_without_the_way_between_writes_and_old_reads_go_on(
    stack, command, query, room, user, name, how, whole_path_works
):
    before = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user)
    query.history(user, token=before.token)
    with down(stack, name, how):
        booked = command.reserve(room, on(3, "10:00"), on(3, "11:00"), user)
        answer = query.history(user)
        assert [item["reservation_id"] for item in answer["items"]] == [before["id"]]
        behind = query.history(user, token=booked.token, wait=1, expect=503, code="projection-behind")
        assert behind["as_of"] <= booked["created_at"]
        command.get("/readyz", expect=200)
        query.get("/readyz", expect=200)
    eventually(lambda: query.history(user, token=booked.token, expect=None).status == 200, PATIENCE_SECONDS)
    whole_path_works(room)


def test_databases_killed_under_load_lose_no_promise(stack, mysql, pg, query, caught_up):
    """MySQL and PostgreSQL are killed while everybody writes; every write that was answered with success is kept."""
    with reconnects(query), Load(stack.command_svc.url, writers=4, refused=(503, 409, 412)) as load:
        for name in ("mysql", "postgres", "mysql"):
            reached = load.done + 50
            eventually(lambda reached=reached: load.done > reached, PATIENCE_SECONDS)
            with down(stack, name, "killed"):
                pass
        reached = load.done + 50
        eventually(lambda: load.done > reached, PATIENCE_SECONDS)
    assert load.problems == []
    mysql.close()
    fresh = connect_mysql(stack)
    assert lost(load.promised, fresh) == []
    mysql.connect()
    pg.close()
    caught_up(PATIENCE_SECONDS)
    with connect_postgres(stack) as again:
        assert truth.differences(fresh, again) == []
    fresh.close()
