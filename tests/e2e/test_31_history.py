"""A user's history and reservations: every event with what it changed, and lists that page through all of them."""

import pytest
from support.api import unique
from support.times import on


def test_a_change_is_in_the_history_with_old_and_new_values(command, query, room, user):
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user, title="before")
    other = command.create_room()
    changed = command.change(booked, room_id=other["id"], ends_at=on(2, "12:00"), title="after")
    newest, oldest = query.history(user, token=changed.token)["items"]
    assert (newest["kind"], newest["version"]) == ("changed", 2)
    assert newest["changes"] == {
        "room_id": {"from": room["id"], "to": other["id"]},
        "ends_at": {"from": on(2, "11:00"), "to": on(2, "12:00")},
        "title": {"from": "before", "to": "after"},
    }
    assert newest["recorded_at"] == changed["updated_at"]
    assert (newest["room_name"], newest["title"], newest["ends_at"]) == (other["name"], "after", on(2, "12:00"))
    assert (oldest["kind"], oldest["changes"], oldest["title"]) == ("created", {}, "before")


def test_a_title_that_comes_or_goes_changes_from_or_to_null(command, query, room, user):
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user)
    titled = command.change(booked, title="new")
    bare = command.change(titled, title=None)
    newest, middle, _ = query.history(user, token=bare.token)["items"]
    assert middle["changes"] == {"title": {"from": None, "to": "new"}}
    assert newest["changes"] == {"title": {"from": "new", "to": None}}


def test_a_cancellation_is_in_the_history_with_its_reason(command, query, room, user):
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user)
    cancelled = command.cancel(booked, 'ill, "quite" ☹')
    newest = query.history(user, token=cancelled.token)["items"][0]
    assert (newest["kind"], newest["state"], newest["reason"]) == ("cancelled", "cancelled", 'ill, "quite" ☹')
    assert newest["changes"] == {"state": {"from": "confirmed", "to": "cancelled"}}
    assert query.reservation(booked)["state"] == "cancelled"


def test_a_room_rename_reaches_the_users_reservations_and_history(command, query, room, user):
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user)
    assert query.reservation(booked, token=booked.token)["room_name"] == room["name"]
    new = unique("renamed")
    renamed = command.change_room(room, name=new, location="roof")
    (reservation,) = query.reservations(user, token=renamed.token)["items"]
    assert (reservation["room_name"], reservation["room_location"]) == (new, "roof")
    (event,) = query.history(user, token=renamed.token)["items"]
    assert event["room_name"] == new


def test_the_history_of_one_user_shows_nobody_elses(command, query, room, user):
    command.reserve(room, on(2, "10:00"), on(2, "11:00"), user)
    other = command.reserve(room, on(2, "11:00"), on(2, "12:00"), unique("other"))
    assert len(query.history(user, token=other.token)["items"]) == 1


def test_a_user_whom_nobody_knows_has_an_empty_history(query, user):
    assert query.history(user)["items"] == []
    assert query.reservations(user)["items"] == []


@pytest.mark.parametrize("name", ["ann/../bob", "名前", "a b&c=d?e#f", "%2e%2e", 'O\'Hara "x"'])
def test_any_text_may_be_a_user(command, query, room, name):
    from urllib.parse import quote

    user = unique(name)
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user)
    (item,) = query.reservations(quote(user, safe=""), token=booked.token)["items"]
    assert item["user_id"] == user


@pytest.fixture
def many(command, room, user):
    """Thirty events of one user: ten bookings, each changed and cancelled or changed again."""
    token = None
    for n in range(10):
        booked = command.reserve(room, on(2 + n, "10:00"), on(2 + n, "11:00"), user, title=f"{n}")
        changed = command.change(booked, title=f"{n} changed")
        token = (command.cancel(booked) if n % 2 else command.change(changed, title=f"{n} again")).token
    return token


@pytest.mark.parametrize("limit", [1, 7, 15, 30, 200])
def test_paging_walks_every_event_once_newest_first(query, user, many, limit):
    whole = query.history(user, token=many, limit=200)["items"]
    assert len(whole) == 30
    assert whole == sorted(
        whole, key=lambda e: (e["recorded_at"], e["reservation_id"], e["version"]), reverse=True
    )
    pages = query.walk(f"/v1/users/{user}/reservation-history", limit=limit)
    assert [item for page in pages for item in page] == whole
    assert all(len(page) == limit for page in pages[:-1])


def test_paging_walks_every_reservation_once_newest_start_first(query, user, many):
    pages = query.walk(f"/v1/users/{user}/reservations", limit=3, token=many)
    starts = [item["starts_at"] for page in pages for item in page]
    assert starts == [on(2 + n, "10:00") for n in reversed(range(10))]


def test_pages_stay_in_place_while_new_events_come_in(command, query, room, user, many):
    whole = query.history(user, token=many, limit=200)["items"]
    first = query.history(user, limit=10)
    late = command.reserve(room, on(20, "10:00"), on(20, "11:00"), user)
    rest = query.history(user, limit=200, cursor=first["next_cursor"], token=late.token)
    assert first["items"] + rest["items"] == whole


def test_the_next_page_is_linked(query, user, many):
    answer = query.history(user, token=many, limit=4)
    link = answer.headers["Link"]
    assert link.endswith('; rel="next"')
    following = query.get(link[link.index("<") + 1 : link.index(">")], expect=200)
    assert following["items"] == query.history(user, limit=4, cursor=answer["next_cursor"])["items"]


def test_reservations_are_filtered_by_state_time_and_room(command, query, room, user, many):
    def days(**filters):
        return [item["starts_at"][:10] for item in query.reservations(user, token=many, **filters)["items"]]

    def day(n):
        return on(n, "00:00")[:10]

    assert days(state="cancelled") == [day(n) for n in (11, 9, 7, 5, 3)]
    assert days(state="confirmed") == [day(n) for n in (10, 8, 6, 4, 2)]
    assert days(from_=on(4, "10:59"), to=on(6, "10:00")) == [day(n) for n in (5, 4)]
    assert days(from_=on(4, "11:00"), to=on(6, "10:01")) == [day(n) for n in (6, 5)]
    assert days(from_=on(10, "00:00")) == [day(n) for n in (11, 10)]
    assert days(to=on(3, "00:00")) == [day(2)]
    assert days(room_id=room["id"], to=on(3, "00:00")) == [day(2)]
    assert days(room_id=command.create_room()["id"]) == []


def test_the_history_is_filtered_by_when_it_was_recorded(query, user, many):
    whole = query.history(user, token=many, limit=200)["items"]
    start, end = whole[19]["recorded_at"], whole[9]["recorded_at"]
    assert query.history(user, from_=start, to=end, limit=200)["items"] == whole[10:20]


@pytest.mark.parametrize("path", ["reservations", "reservation-history"])
def test_a_range_that_ends_before_it_starts_is_refused(query, user, path):
    answer = query.read(
        f"/v1/users/{user}/{path}", from_=on(3, "10:00"), to=on(2, "10:00"), expect=422, code="rule-broken"
    )
    assert answer.bad_names & {"from", "to"}


def test_a_cursor_of_another_list_or_filter_is_refused(query, user, many):
    cursor = query.history(user, token=many, limit=4)["next_cursor"]
    query.reservations(user, cursor=cursor, expect=400, code="cursor-invalid")
    query.rooms(cursor=cursor, expect=400, code="cursor-invalid")
    query.history(unique("other"), cursor=cursor, expect=400, code="cursor-invalid")
    query.history(user, cursor=cursor, from_=on(-1, "00:00"), expect=400, code="cursor-invalid")


def test_a_damaged_cursor_is_refused(query, user, many):
    cursor = query.history(user, token=many, limit=4)["next_cursor"]
    for damaged in (cursor[:-1], cursor + "A", "x", cursor[:5] + ("A" if cursor[5] != "A" else "B") + cursor[6:]):
        query.history(user, cursor=damaged, expect=400, code="cursor-invalid")


def test_an_unchanged_object_is_not_sent_again(query, room):
    first = query.room(room, token=room.token)
    again = query.get(f"/v1/rooms/{room['id']}", headers={"If-None-Match": first.etag}, expect=304)
    assert again.text == ""
