"""Another generation takes over: what was begun in the one before goes on, and event streams are told."""

from support.events import Stream
from support.generations import switch_to_a_copy
from support.times import on


def test_a_cursor_goes_on_in_the_next_generation(command, query, pg, room, user):
    for n in range(9):
        booked = command.reserve(room, on(2 + n, "10:00"), on(2 + n, "11:00"), user)
    whole = query.reservations(user, token=booked.token)["items"]
    first = query.reservations(user, limit=4)
    switch_to_a_copy(pg)
    rest = query.reservations(user, limit=50, cursor=first["next_cursor"])
    assert first["items"] + rest["items"] == whole


def test_a_token_of_before_is_good_after_and_writes_go_on(command, query, pg, room, user):
    before = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user)
    switch_to_a_copy(pg)
    after = command.change(before, title="after")
    assert query.reservation(before, token=[before.token, after.token], wait=10)["title"] == "after"


def test_an_event_stream_is_told_to_begin_anew_and_goes_on(command, query, pg, room, user):
    with Stream(query.url, user_id=user) as stream:
        booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user)
        stream.wait_for(1)
        generation = switch_to_a_copy(pg)
        reset = stream.wait_for(2)[1]
        assert (reset.kind, reset.data) == ("reset", {"generation": generation})
        changed = command.change(booked, title="after")
        told = stream.wait_for(3)[2]
        assert (told.kind, told.data["version"]) == ("message", changed["version"])
        assert told.id.startswith(f"{generation}-")
        last_id = stream.last_id
    with Stream(query.url, user_id=user, last_id=last_id) as stream:
        command.cancel(changed)
        (told,) = stream.wait_for(1)
        assert told.data["kind"] == "cancelled"


def test_generations_that_are_gone_are_never_read(command, query, pg, room, user):
    """Dropped as soon as nothing serves from it: connections that still have it as their search_path read again."""
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user)
    before = query.reservation(booked, token=booked.token)
    old = query.read("/v1/projection")["generation"]
    switch_to_a_copy(pg)
    pg.execute("SELECT projection.show()")
    pg.execute(f"DROP SCHEMA g{old} CASCADE")
    for _ in range(20):
        assert query.reservation(booked).json == before.json
