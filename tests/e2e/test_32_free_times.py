"""When rooms are taken and when they are free, the events of one reservation, and how far the read model has come."""

import pytest
from support.api import unique
from support.programs import Program
from support.times import moment, on
from support.tokens import Signer


@pytest.fixture(scope="module")
def guarded(stack, tmp_path_factory):
    """A query-svc that asks who calls."""
    folder = tmp_path_factory.mktemp("guarded")
    signer = Signer(folder / "keys")
    with Program(stack, "query-svc", folder, **signer.settings) as program:
        program.client.signer = signer
        yield program.client


def available(query, start, end, **options) -> list[int]:
    pages = query.walk("/v1/rooms/available", from_=start, to=end, limit=200, **options)
    return [room["id"] for page in pages for room in page]


def schedule(query, room, start, end, **options):
    return query.read(f"/v1/rooms/{room['id']}/schedule", from_=start, to=end, **options)


def gaps(query, room, start, end, **options):
    answer = query.read(f"/v1/rooms/{room['id']}/free", from_=start, to=end, **options)
    return [(gap["starts_at"], gap["ends_at"], gap["minutes"]) for gap in answer["items"]]


# ---- which rooms are free ----


def test_a_room_is_available_before_and_after_a_reservation_but_not_while(command, query, room, user):
    token = command.reserve(room, on(3, "10:00"), on(3, "11:00"), user).token
    assert room["id"] in available(query, on(3, "09:00"), on(3, "10:00"), token=token)
    assert room["id"] in available(query, on(3, "11:00"), on(3, "12:00"), token=token)
    assert room["id"] not in available(query, on(3, "10:59"), on(3, "12:00"), token=token)
    assert room["id"] not in available(query, on(3, "09:00"), on(3, "10:01"), token=token)
    assert room["id"] not in available(query, on(3, "10:20"), on(3, "10:30"), token=token)
    assert room["id"] not in available(query, on(2, "10:20"), on(8, "10:30"), token=token)


def test_a_long_reservation_far_back_still_takes_its_room(command, query, room, user):
    token = command.reserve(room, on(3, "10:00"), on(34, "10:00"), user).token
    assert room["id"] not in available(query, on(34, "09:59"), on(34, "10:00"), token=token)
    assert room["id"] in available(query, on(34, "10:00"), on(34, "10:01"), token=token)


def test_a_cancelled_reservation_takes_no_room(command, query, room, user):
    booked = command.reserve(room, on(3, "10:00"), on(3, "11:00"), user)
    token = command.cancel(booked).token
    assert room["id"] in available(query, on(3, "10:00"), on(3, "11:00"), token=token)


def test_available_rooms_are_active_and_large_enough(command, query, room):
    small = command.create_room(capacity=room["capacity"] - 1)
    retired = command.change_room(command.create_room(), active=False)
    found = available(query, on(3, "10:00"), on(3, "11:00"), min_capacity=room["capacity"], token=retired.token)
    assert room["id"] in found
    assert small["id"] not in found
    assert retired["id"] not in found


# ---- when a room is taken ----


def test_the_schedule_shows_what_overlaps_by_its_start(command, query, room, user):
    early = command.reserve(room, on(3, "08:00"), on(3, "09:00"), user)
    late = command.reserve(room, on(3, "10:00"), on(3, "11:00"), user, title="late")
    gone = command.reserve(room, on(3, "09:00"), on(3, "10:00"), user)
    token = command.cancel(gone).token
    items = schedule(query, room, on(3, "08:30"), on(3, "10:01"), token=token)["items"]
    assert [item["reservation_id"] for item in items] == [early["id"], late["id"]]
    assert items[1] == {
        "starts_at": on(3, "10:00"),
        "ends_at": on(3, "11:00"),
        "reservation_id": late["id"],
        "user_id": user,
        "title": "late",
    }
    assert schedule(query, room, on(3, "09:00"), on(3, "10:00"))["items"] == []


def test_the_schedule_pages_through_all(command, query, room, user):
    for n in range(7):
        token = command.reserve(room, on(3 + n, "10:00"), on(3 + n, "11:00"), user).token
    path = f"/v1/rooms/{room['id']}/schedule"
    pages = query.walk(path, from_=on(3, "00:00"), to=on(20, "00:00"), limit=3, token=token)
    assert [len(page) for page in pages] == [3, 3, 1]
    assert [item["starts_at"] for page in pages for item in page] == [on(3 + n, "10:00") for n in range(7)]


def test_other_peoples_names_and_titles_are_in_no_schedule(command, guarded, room, user):
    other = unique("other")
    mine = command.reserve(room, on(3, "08:00"), on(3, "09:00"), user, title="mine")
    theirs = command.reserve(room, on(3, "10:00"), on(3, "11:00"), other, title="secret")

    def seen(**who):
        answer = schedule(
            guarded,
            room,
            on(3, "00:00"),
            on(4, "00:00"),
            headers=guarded.signer.headers(**who),
            token=theirs.token,
        )
        return [(item["reservation_id"], item["user_id"], item["title"]) for item in answer["items"]]

    assert seen(user=user) == [(mine["id"], user, "mine"), (None, None, None)]
    assert seen(user="boss", admin=True) == [(mine["id"], user, "mine"), (theirs["id"], other, "secret")]


# ---- when a room is free ----


def test_the_last_second_that_can_be_asked_for_is_a_time_like_any_other(query, room):
    found = gaps(query, room, "9999-12-31T23:00:00Z", "9999-12-31T23:59:59.5Z", token=room.token)
    assert found == [("9999-12-31T23:00:00Z", "9999-12-31T23:59:59.500000Z", 59)]


def test_gaps_lie_between_reservations_and_end_at_the_range(command, query, room, user):
    command.reserve(room, on(3, "10:00"), on(3, "11:00"), user)
    command.reserve(room, on(3, "11:00"), on(3, "12:00"), user)
    token = command.reserve(room, on(3, "12:30"), on(3, "13:00"), user).token
    assert gaps(query, room, on(3, "09:00"), on(3, "14:00"), token=token) == [
        (on(3, "09:00"), on(3, "10:00"), 60),
        (on(3, "12:00"), on(3, "12:30"), 30),
        (on(3, "13:00"), on(3, "14:00"), 60),
    ]
    assert gaps(query, room, on(3, "10:15"), on(3, "12:45")) == [(on(3, "12:00"), on(3, "12:30"), 30)]
    assert gaps(query, room, on(3, "10:15"), on(3, "11:45")) == []


def test_gaps_that_are_too_short_are_left_out(command, query, room, user):
    token = command.reserve(room, on(3, "10:00"), on(3, "11:00"), user).token

    def long_enough(minutes):
        return gaps(query, room, on(3, "09:31"), on(3, "11:30"), min_minutes=minutes, token=token)

    assert len(long_enough(29)) == 2
    assert long_enough(30) == [(on(3, "11:00"), on(3, "11:30"), 30)]
    assert long_enough(31) == []


def test_gaps_page_through_all(command, query, room, user):
    for n in range(7):
        token = command.reserve(room, on(3 + n, "10:00"), on(3 + n, "11:00"), user).token
    path = f"/v1/rooms/{room['id']}/free"
    span = {"from_": on(3, "00:00"), "to": on(20, "00:00")}
    (whole,) = query.walk(path, token=token, **span)
    pages = query.walk(path, limit=3, **span)
    assert [len(page) for page in pages] == [3, 3, 2]
    assert [gap for page in pages for gap in page] == whole


def test_a_room_without_reservations_is_one_gap_and_a_retired_one_none(command, query, room):
    span = on(3, "00:00"), on(30, "00:00")
    assert gaps(query, room, *span, token=room.token) == [(*span, 27 * 24 * 60)]
    retired = command.change_room(room, active=False)
    assert gaps(query, room, *span, token=retired.token) == []
    assert schedule(query, room, *span)["items"] == []


# ---- what all of them refuse ----


@pytest.mark.parametrize("path", ["available", "{room}/schedule", "{room}/free"])
def test_a_range_has_to_be_there_and_in_order(query, room, path):
    query.room(room, token=room.token)
    path = f"/v1/rooms/{path.format(room=room['id'])}"
    start, end = "2027-01-01T00:07Z", "2027-02-01T00:00Z"
    query.read(path, from_=start, to=end)
    assert query.read(path, to=end, expect=400).bad_names == {"from"}
    assert query.read(path, from_=start, expect=400).bad_names == {"to"}
    assert query.read(path, from_=start, to=start, expect=422, code="rule-broken").bad_names == {"to"}
    assert query.read(path, from_=end, to=start, expect=422).bad_names == {"to"}
    assert query.read(path, from_=start, to="2037-01-01T00:08Z", expect=422).bad_names == {"to"}
    assert query.read(path, from_=start, to=end, colour="red", expect=400).bad_names == {"colour"}


@pytest.mark.parametrize("room_id", ["999999999", "0", "x", "99999999999999999999"])
@pytest.mark.parametrize("call", ["schedule", "free"])
def test_a_room_that_nobody_knows_is_not_found(query, room_id, call):
    query.read(f"/v1/rooms/{room_id}/{call}", from_=on(3, "00:00"), to=on(4, "00:00"), expect=404)


# ---- the events of one reservation ----


def test_a_reservation_shows_its_events_newest_first(command, query, room, user):
    booked = command.reserve(room, on(3, "10:00"), on(3, "11:00"), user)
    changed = command.change(booked, title="new")
    cancelled = command.cancel(changed, "ill")
    path = f"/v1/reservations/{booked['id']}/history"
    items = query.read(path, token=cancelled.token)["items"]
    assert [(item["version"], item["kind"]) for item in items] == [
        (3, "cancelled"),
        (2, "changed"),
        (1, "created"),
    ]
    assert items == query.history(user)["items"]
    assert [item for page in query.walk(path, limit=1) for item in page] == items


def test_the_history_of_a_deleted_reservation_stays(command, query, mysql, caught_up, room, user):
    booked = command.reserve(room, on(3, "10:00"), on(3, "11:00"), user)
    with mysql.cursor() as cursor:
        cursor.execute("DELETE FROM reservation WHERE id = UUID_TO_BIN(%s)", [booked["id"]])
    caught_up()
    query.reservation(booked, expect=404)
    items = query.read(f"/v1/reservations/{booked['id']}/history")["items"]
    assert [item["kind"] for item in items] == ["deleted", "created"]
    assert room["id"] in available(query, on(3, "10:00"), on(3, "11:00"))


def test_the_history_of_somebody_elses_reservation_is_not_found(command, guarded, room, user):
    booked = command.reserve(room, on(3, "10:00"), on(3, "11:00"), user)
    path = f"/v1/reservations/{booked['id']}/history"

    def read(expect, **who):
        return guarded.read(path, headers=guarded.signer.headers(**who), token=booked.token, expect=expect)

    assert len(read(200, user=user)["items"]) == 1
    assert len(read(200, user="boss", admin=True)["items"]) == 1
    read(404, user=unique("other"))


@pytest.mark.parametrize("number", ["019ad4c0-5b1e-7c43-9c55-3c1f6d2a7e10", "x"])
def test_the_history_of_what_never_was_is_not_found(query, number):
    query.read(f"/v1/reservations/{number}/history", expect=404, code="not-found")


# ---- the projection ----


def test_the_projection_says_how_far_it_has_come(query, pg, caught_up):
    caught_up()
    before = query.read("/v1/projection")
    assert before["as_of"] == before.as_of
    assert 0 <= before["lag_seconds"] < 30
    (generation,) = pg.execute("SELECT generation FROM projection.generation WHERE state = 'serving'").fetchone()
    assert before["generation"] == generation
    caught_up()
    after = query.read("/v1/projection")
    assert moment(after["as_of"]) > moment(before["as_of"])
    assert after["position"]["topic"] == "cdc.reservations"
    assert after["position"]["next_offset"] > before["position"]["next_offset"]
