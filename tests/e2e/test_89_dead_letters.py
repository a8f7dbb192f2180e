"""What cannot be applied is parked with its reservation or room, everything else goes on, and an operator decides."""

import json

import pytest
from support import programs, truth
from support.rebuilds import rebuild
from support.times import on
from support.topic import change, event, now, reservation_key, room_event, room_key
from support.waiting import eventually


@pytest.fixture
def booked(command, room, user, caught_up):
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user, title="Planning")
    caught_up()
    return booked


@pytest.fixture
def other(command, room, user, query):
    """Somebody else's booking comes through."""

    def check():
        booked = command.reserve(room, on(9, "10:00"), on(9, "11:00"), user)
        query.reservation(booked, token=booked.token, wait=10)
        command.cancel(booked)

    return check


def version_of(query, reservation) -> int:
    return query.reservation(reservation)["version"]


POISON = {
    "broken JSON": lambda v: json.dumps(v)[:-1],
    "no JSON": lambda v: "\x00\xff",
    "empty": lambda v: "",
    "a number": lambda v: 7,
    "no op": lambda v: {k: x for k, x in v.items() if k != "op"},
    "unknown op": lambda v: v | {"op": "x"},
    "no after": lambda v: v | {"after": None},
    "no source": lambda v: v | {"source": None},
    "no table": lambda v: v | {"source": {"ts_us": now()}},
    "no commit time": lambda v: v | {"source": {"table": "reservation_event"}},
    "a column missing": lambda v: v | {"after": {k: x for k, x in v["after"].items() if k != "user_id"}},
    "a wrong type": lambda v: v | {"after": v["after"] | {"user_id": 7}},
    "a null": lambda v: v | {"after": v["after"] | {"starts_at": None}},
    "an unknown kind": lambda v: v | {"after": v["after"] | {"kind": "moved"}},
    "an unknown state": lambda v: v | {"after": v["after"] | {"state": "maybe"}},
    "version 0": lambda v: v | {"after": v["after"] | {"version": 0}},
    "a version too large": lambda v: v | {"after": v["after"] | {"version": 2**31}},
    "the end before the start": lambda v: v | {"after": v["after"] | {"ends_at": v["after"]["starts_at"]}},
    "a time out of range": lambda v: v | {"after": v["after"] | {"recorded_at": 2**63 - 1}},
    "a number too large": lambda v: v | {"after": v["after"] | {"room_id": 2**64}},
    "U+0000": lambda v: v | {"after": v["after"] | {"title": "a\x00b"}},
    "half a surrogate": lambda v: json.dumps(v).replace("Planning", "\\ud800"),
    "too large for an index": lambda v: v | {"after": v["after"] | {"user_id": _random_text(9000)}},
    "a megabyte that is cut": lambda v: json.dumps(v | {"pad": "x" * 900000})[:-1],
}


def _random_text(n: int) -> str:
    import random

    return "".join(random.Random(n).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=n))


def test_every_kind_of_poison_is_parked_and_others_go_on(
    command, query, topic, letters, room, user, other, caught_up
):
    booked = {}
    for n, name in enumerate(POISON):
        booked[name] = command.reserve(room, on(20 + n, "10:00"), on(20 + n, "11:00"), user, title="Planning")
    caught_up()
    for name, poison in POISON.items():
        offset = topic.send(reservation_key(booked[name]), poison(event(booked[name], 2)))
        changed = command.change(booked[name], title="Later")
        (first, behind) = letters.wait(booked[name], 2)
        assert (first["kind"], first["offset"]) == ("message", offset), name
        assert (behind["kind"], behind["version"]) == ("behind", changed["version"]), name
        assert version_of(query, booked[name]) == 1, name
    other()


def ignored(metrics, reason: str) -> float:
    return metrics.value("rr_projector_ignored_total", reason=reason)


def test_what_is_no_change_is_ignored(stack, command, query, topic, letters, room, user, projector, other):
    end = topic.end()
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user)
    query.reservation(booked, token=booked.token, wait=10)
    known = json.loads(next(value for value in topic.read(end) if booked["id"].replace("-", "") in value))
    before = projector.metrics()
    impossible = before.value("rr_projector_impossible_total")
    with_schema = {"schema": {"type": "struct"}, "payload": known}
    for value in (
        None,
        {"ts_ms": 1},
        {"schema": {}, "payload": {"ts_ms": 1}},
        {"schema": {}, "payload": None},
        {"ddl": "DROP TABLE x", "source": {}, "ts_ms": 1},
        {"status": "BEGIN", "id": "x", "ts_ms": 1},
        change("somebody_elses", {"id": 1}),
        known,
        known | {"unknown": 1, "after": known["after"] | {"unknown_column": {"deep": [1, 2]}}},
        with_schema,
        change("reservation_event", event(booked, 1)["after"], op="d"),
        change("reservation_event", event(booked, 2)["after"], op="u"),
        change("reservation_event", None, op="t"),
        change("pulse", {"id": 1}, ts_us="soon"),
    ):
        topic.send(reservation_key(booked) if value and "pulse" not in str(value) else {"id": 1}, value)
    other()
    after = projector.metrics()
    for reason in (
        "tombstone", "heartbeat", "schema_change", "transaction", "other_table", "repeated", "journal_deleted",
        "journal_changed", "journal_truncated", "pulse_broken",
    ):  # fmt: skip
        assert ignored(after, reason) > ignored(before, reason), reason
    assert after.value("rr_projector_impossible_total") == impossible + 4
    assert letters.all()["parked"] == 0
    assert version_of(query, booked) == 1


def test_a_retry_takes_from_the_journal_what_cannot_be_read(
    command, query, topic, letters, booked, mysql, pg, caught_up
):
    topic.send(reservation_key(booked), "{")
    changed = command.change(booked, title="Later")
    again = command.change(changed, title="Latest")
    (first, *_) = letters.wait(booked, 3)
    assert "applied: 3; still parked: 0" in letters.run("retry", str(first["id"])).stdout
    caught_up()
    assert version_of(query, booked) == again["version"]
    assert truth.differences(mysql, pg) == []


def test_reads_say_how_much_is_parked_and_a_parked_write_is_not_waited_for(
    stack, command, query, topic, letters, booked, room, other
):
    assert "Projection-Parked" not in query.reservation(booked).headers
    topic.send(reservation_key(booked), event(booked, 2, state="?"))
    (first,) = letters.wait(booked)
    second = command.change(booked, title="Second")
    letters.wait(booked, 2)
    assert query.reservation(booked).headers["Projection-Parked"] == "2"
    assert query.rooms().headers["Projection-Parked"] == "2"
    assert query.read("/v1/projection")["parked"] == 2
    refused = query.rooms(token=second.token, wait=10, expect=503, code="write-parked")
    assert refused.seconds < 8
    assert refused["as_of"] == refused.headers["Projection-As-Of"]
    assert refused.headers["Projection-Parked"] == "2"
    other()
    query.reservation(booked, token=booked.token)
    letters.run("retry", "--all")
    answer = query.reservation(booked, token=second.token)
    assert answer["title"] == "Second"
    assert "Projection-Parked" not in answer.headers


def test_a_parked_room_s_write_is_not_waited_for_and_a_skipped_one_is_included(
    command, query, topic, letters, caught_up
):
    room = command.create_room()
    caught_up()
    topic.send(room_key(room), room_event(room, 2, capacity="many"))
    (first,) = letters.wait(room)
    changed = command.change_room(room, capacity=9)
    letters.wait(room, 2)
    query.rooms(token=changed.token, expect=503, code="write-parked")
    for item in letters.of(room):
        letters.run("skip", str(item["id"]), "--reason", "a test", expect=None)
    query.rooms(token=changed.token)


def test_a_retry_that_fails_leaves_it_parked_with_the_reason(query, topic, letters, booked):
    topic.send(reservation_key(booked), event(booked, 2, title=7))
    (first,) = letters.wait(booked)
    assert "still parked: 1" in letters.run("retry", "--all", expect=1).stdout
    (left,) = letters.of(booked)
    assert left["id"] == first["id"]
    assert "MySQL's journal has no version 2" in left["reason"]


def test_a_skipped_version_counts_as_included_and_leaves_no_gap(
    command, query, topic, letters, booked, unlogged, other
):
    """Version 2 is in MySQL, not in the read model, and never will be."""
    unlogged("UPDATE reservation SET title = 'Lost' WHERE id = UUID_TO_BIN(%s)", [booked["id"]])
    second = command.change(command.reservation(booked), title="Lost")  # changes nothing: its token is version 2's
    topic.send(reservation_key(booked), event(booked, 2, kind="?"))
    (first,) = letters.wait(booked)
    query.reservation(booked, token=second.token, wait=0, expect=503, code="write-parked")
    letters.run("skip", str(first["id"]), "--reason", "it was a joke")
    assert query.reservation(booked, token=second.token)["version"] == 1
    third = command.change(second, title="Third")
    assert query.reservation(booked, token=third.token, wait=10)["version"] == 3
    assert [item["version"] for item in query.read(f"/v1/reservations/{booked['id']}/history")["items"]] == [3, 1]
    (skipped,) = [i for i in letters.all()["items"] if i["id"] == first["id"]]
    assert (skipped["state"], skipped["version"], skipped["skip_reason"]) == ("skipped", 2, "it was a joke")
    other()


def test_what_waits_behind_a_skipped_version_goes_on(command, query, topic, letters, booked, unlogged):
    unlogged("UPDATE reservation SET title = 'Lost' WHERE id = UUID_TO_BIN(%s)", [booked["id"]])
    topic.send(reservation_key(booked), event(booked, 2, kind="?"))
    third = command.change(command.reservation(booked), title="Third")
    (first, _) = letters.wait(booked, 2)
    assert "applied: 1; still parked: 0" in letters.run("skip", str(first["id"]), "--reason", "a joke").stdout
    assert query.reservation(booked, token=third.token)["version"] == 3


def test_a_missing_version_is_read_from_the_journal(
    command, query, letters, booked, unlogged, mysql, pg, caught_up
):
    for title in ("Two", "Three"):
        unlogged("UPDATE reservation SET title = %s WHERE id = UUID_TO_BIN(%s)", [title, booked["id"]])
    fourth = command.change(command.reservation(booked), title="Four")
    query.reservation(booked, token=fourth.token, wait=10)
    assert letters.of(booked) == []
    caught_up()
    assert truth.differences(mysql, pg) == []


def test_a_gap_is_filled_by_itself_when_mysql_is_back(
    stack, command, query, topic, letters, booked, unlogged, mysql, pg, caught_up, other
):
    """MySQL goes away when the event that shows the gap is in the topic, and not yet applied."""
    unlogged("UPDATE reservation SET title = 'Two' WHERE id = UUID_TO_BIN(%s)", [booked["id"]])
    stack.stop(["projector"])
    end = topic.end()
    third = command.change(command.reservation(booked), title="Three")
    fourth = command.change(third, title="Four")
    both = third["id"].replace("-", "")
    eventually(lambda: sum(both in value for value in topic.read(end)) == 2, 60, 0.2)
    stack.stop(["mysql"])
    try:
        stack.server("projector").launch()
        (gap, behind) = letters.wait(booked, 2)
        assert (gap["kind"], gap["version"]) == ("gap", 3)
        assert (behind["kind"], behind["version"]) == ("behind", 4)
        assert query.reservation(booked).headers["Projection-Parked"] == "2"
        assert version_of(query, booked) == 1
        # As if the gap had come in a log that was replaced before the other one came.
        pg.execute("UPDATE projection.dead_letter SET topic_offset = topic_offset + 1000000 WHERE kind = 'gap'")
        pg.execute("UPDATE projection.position SET parked_epoch = parked_epoch + 1")
    finally:
        stack.start(["mysql", "projector"])
    eventually(lambda: letters.of(booked) == [], 60, 0.2)
    assert version_of(query, booked) == fourth["version"]
    mysql.connect()
    other()
    caught_up()
    assert truth.differences(mysql, pg) == []


@pytest.fixture
def read_again(stack, pg, letters):
    """Called, the topic is read once more from where the read model stood when the test began, up to an offset."""
    where = "FROM projection.position JOIN projection.generation USING (generation) WHERE state = 'serving'"
    stack.stop(["projector"])
    (before,) = pg.execute(f"SELECT to_jsonb(position) {where}").fetchone()
    stack.projector.launch()

    def read_again(offset: int) -> None:
        stack.stop(["projector"])
        pg.execute(
            "UPDATE projection.position SET next_offset = %s, fingerprint = %s::bytea WHERE generation = %s",
            [before["next_offset"], before["fingerprint"], before["generation"]],
        )
        stack.projector.launch()
        eventually(lambda: pg.execute(f"SELECT next_offset {where}").fetchone()[0] > offset, 60)

    return read_again


def test_what_is_parked_and_comes_again_is_not_parked_twice(command, topic, letters, booked, read_again):
    topic.send(reservation_key(booked), "{")
    command.change(booked, title="Later")
    parked = letters.wait(booked, 2)
    read_again(parked[-1]["offset"])
    assert letters.of(booked) == parked


def test_what_is_parked_and_comes_again_in_another_log_is_not_parked_twice(
    command, topic, letters, booked, read_again, pg
):
    """It stands at another place there."""
    topic.send(reservation_key(booked), event(booked, 2, kind="?"))
    command.change(booked, title="Later")
    offset = letters.wait(booked, 2)[-1]["offset"]
    pg.execute("UPDATE projection.dead_letter SET topic_offset = topic_offset + 1000000")
    parked = letters.of(booked)
    read_again(offset)
    assert letters.of(booked) == parked


def test_what_was_skipped_and_comes_again_parks_nothing_any_more(
    command, query, topic, letters, booked, read_again, projector, mysql, pg, caught_up
):
    offset = topic.send(reservation_key(booked), "{")
    (first,) = letters.wait(booked)
    letters.run("skip", str(first["id"]), "--reason", "noise")
    second = command.change(booked, title="Second")
    query.reservation(booked, token=second.token, wait=10)
    read_again(offset)
    third = command.change(second, title="Third")
    assert query.reservation(booked, token=third.token, wait=10)["version"] == 3
    assert letters.all()["parked"] == 0
    assert ignored(projector.metrics(), "skipped") == 1
    caught_up()
    assert truth.differences(mysql, pg) == []


def test_what_was_skipped_because_it_cannot_be_applied_is_not_parked_again(
    command, query, topic, letters, booked, read_again, projector
):
    offset = topic.send(reservation_key(booked), event(booked, 2147483647, title="No such thing"))
    (lost,) = letters.wait(booked)
    letters.run("skip", str(lost["id"]), "--reason", "nobody has written that")
    read_again(offset)
    second = command.change(booked, title="Second")
    assert query.reservation(booked, token=second.token, wait=10)["version"] == 2
    assert letters.all()["parked"] == 0


def test_a_key_that_was_skipped_does_not_open_the_breaker_again(topic, letters, read_again, other):
    offset = topic.send("\xff", "\xff")
    eventually(lambda: letters.all()["halted"] == "breaker", 60, 0.2)
    (lone,) = letters.all()["items"]
    letters.run("skip", str(lone["id"]), "--reason", "noise")
    letters.run("resume")
    other()
    read_again(offset)
    other()
    assert letters.all()["halted"] is None


@pytest.mark.parametrize(
    "damage",
    ["ends_at = '2080-01-01'", "starts_at = '-infinity'", "ends_at = 'infinity'"],
    ids=["long", "first", "last"],
)
def test_a_damaged_row_parks_its_reservation_until_it_is_repaired(
    stack, command, query, letters, booked, pg, other, damage
):
    (generation,) = pg.execute("SELECT generation FROM projection.generation WHERE state = 'serving'").fetchone()
    pg.execute(f"UPDATE g{generation}.reservation SET {damage} WHERE id = %s", [booked["id"]])
    changed = command.change(booked, title="Later")
    (damaged,) = letters.wait(booked)
    assert (damaged["kind"], damaged["version"]) == ("message", changed["version"])
    assert "first repair it" in damaged["reason"]
    other()
    assert programs.run(stack, "projector", "verify", "--repair", seconds=120).returncode == 0
    letters.run("retry", str(damaged["id"]))
    assert version_of(query, booked) == changed["version"]


def test_a_rebuild_holds_what_is_parked_and_a_roll_back_has_it_parked_again(
    stack, command, query, topic, letters, booked, mysql, pg, caught_up
):
    topic.send(reservation_key(booked), "{")
    second = command.change(booked, title="Second")
    letters.wait(booked, 2)
    status, told = rebuild(stack)
    assert status == 0, told
    answer = query.reservation(booked, token=second.token, wait=10)
    assert (answer["version"], "Projection-Parked" in answer.headers) == (2, False)
    third = command.change(second, title="Third")
    query.reservation(booked, token=third.token, wait=10)
    status, told = rebuild(stack, "--rollback")
    assert status == 0, told
    (first, *_) = letters.wait(booked, 3)
    refused = query.reservation(booked, token=third.token, wait=10, expect=503, code="write-parked")
    assert refused.headers["Projection-Parked"] == "3"
    letters.run("retry", str(first["id"]))
    assert version_of(query, booked) == third["version"]
    caught_up()
    assert truth.differences(mysql, pg) == []


def test_a_version_that_the_truth_does_not_have_either_stays_parked(command, query, topic, letters, booked, other):
    topic.send(reservation_key(booked), event(booked, 2147483647, title="No such thing"))
    (lost,) = letters.wait(booked)
    assert (lost["kind"], lost["version"]) == ("lost", 2147483647)
    second = command.change(booked, title="Second")
    letters.wait(booked, 2)
    letters.run("skip", str(lost["id"]), "--reason", "nobody has written that")
    eventually(lambda: version_of(query, booked) == second["version"], 60)
    other()


def test_a_room_that_is_parked_leaves_its_reservations_without_a_name(
    command, query, topic, letters, user, caught_up
):
    room = command.create_room()
    caught_up()
    topic.send(room_key(room), room_event(room, 2, name=None))
    letters.wait(room)
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user)
    answer = query.reservation(booked, token=booked.token, wait=10)
    assert (answer["room_name"], answer["room_location"]) == (None, None)
    renamed = command.change_room(room, name=room["name"] + " II")
    (first, _) = letters.wait(room, 2)
    letters.run("retry", str(first["id"]))
    answer = query.reservation(booked, token=renamed.token, wait=10)
    assert answer["room_name"] == room["name"] + " II"


def test_who_knows_a_reservation_without_its_room_s_name_is_told_when_it_has_one_again(
    command, query, topic, letters, user, caught_up
):
    """Neither the reservation nor the room has another version then."""
    room = command.create_room()
    caught_up()
    topic.send(room_key(room), room_event(room, 2, name=None))
    (first,) = letters.wait(room)
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user)
    nameless = query.reservation(booked, token=booked.token, wait=10)
    assert nameless["room_name"] is None
    letters.run("skip", str(first["id"]), "--reason", "a test")
    named = query.reservation(booked, headers={"If-None-Match": nameless.headers.get("ETag")})
    assert (named["room_name"], named["version"]) == (room["name"], nameless["version"])
    query.reservation(booked, headers={"If-None-Match": named.etag}, expect=304)


def test_a_key_that_cannot_be_read_opens_the_breaker_and_a_restart_does_not_close_it(
    stack, command, query, topic, letters, projector, room, user, tmp_path
):
    topic.send("\xff", "\xff")
    eventually(lambda: letters.all()["halted"] == "breaker", 60, 0.2)
    eventually(lambda: projector.get("/readyz").status == 503)
    assert "breaker" in projector.get("/readyz")["detail"]
    eventually(lambda: projector.metrics().value("rr_projector_breaker_open") == 1)
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user)
    query.reservation(booked, token=booked.token, wait=1, expect=503, code="projection-behind")
    assert "open" in programs.run(stack, "projector", "status").stdout
    stack.stop(["projector"])
    try:
        with programs.Program(stack, "projector", tmp_path, awaits="/livez") as again:
            eventually(lambda: again.client.metrics().value("rr_projector_breaker_open") == 1)
            assert again.client.get("/readyz").status == 503
            letters.run("resume")
            query.reservation(booked, token=booked.token, wait=10)
            eventually(lambda: again.client.metrics().value("rr_projector_breaker_open") == 0)
    finally:
        stack.start(["projector"])
    (lone,) = letters.all()["items"]
    assert (lone["reservation_id"], lone["room_id"]) == (None, None)
    letters.run("retry", str(lone["id"]), expect=1)
    assert "key   \xff" in letters.run("show", str(lone["id"])).stdout
    letters.run("skip", str(lone["id"]), "--reason", "noise")


def test_too_many_that_are_parked_open_the_breaker(
    stack, command, query, topic, letters, room, user, tmp_path, caught_up
):
    booked = [command.reserve(room, on(20 + n, "10:00"), on(20 + n, "11:00"), user) for n in range(4)]
    caught_up()
    stack.stop(["projector"])
    try:
        with programs.Program(stack, "projector", tmp_path, RR_BREAKER_EVENTS="2"):
            for one in booked[:2]:
                topic.send(reservation_key(one), "{")
                letters.wait(one)
            assert letters.all()["halted"] is None
            topic.send(reservation_key(booked[2]), "{")
            eventually(lambda: letters.all()["halted"] == "breaker", 60, 0.2)
            last = command.change(booked[3], title="Later")
            query.reservation(booked[3], token=last.token, wait=1, expect=503, code="projection-behind")
            letters.run("resume")
            query.reservation(booked[3], token=last.token, wait=10)
            for one in booked[:3]:
                letters.run("skip", str(letters.of(one)[0]["id"]), "--reason", "a test")
    finally:
        stack.start(["projector"])


def test_verify_leaves_out_what_is_parked_and_skipped_and_repairs_all_else(
    stack, command, query, topic, letters, pg, room, user, unlogged, caught_up
):
    parked, skipped = (
        command.reserve(room, on(day, "10:00"), on(day, "11:00"), user, title="x") for day in (2, 3)
    )
    other_room = command.create_room()
    caught_up()
    for booked in (parked, skipped):
        topic.send(reservation_key(booked), event(booked, 2, kind="?"))
        letters.wait(booked)
    topic.send(room_key(other_room), room_event(other_room, 2, active="?"))
    letters.wait(other_room)
    command.change_room(other_room, capacity=77)
    in_other_room = command.reserve(other_room, on(2, "10:00"), on(2, "11:00"), user)
    command.change(parked, title="Second")
    unlogged("UPDATE reservation SET title = 'Lost' WHERE id = UUID_TO_BIN(%s)", [skipped["id"]])
    letters.run("skip", str(letters.of(skipped)[0]["id"]), "--reason", "a test")
    third = command.change(command.reservation(skipped), title="Third")
    query.reservation(skipped, token=[third.token, in_other_room.token], wait=10)
    letters.wait(parked, 2)
    ended = programs.run(stack, "projector", "verify", "--json", seconds=120)
    told = json.loads(ended.stdout)
    assert (ended.returncode, told["differences"]) == (0, []), told
    assert (told["parked"], told["skipped"]) == (4, 1)
    (generation,) = pg.execute("SELECT generation FROM projection.generation WHERE state = 'serving'").fetchone()
    pg.execute(f"UPDATE g{generation}.reservation SET title = 'wrong' WHERE room_id = %s", [room["id"]])
    pg.execute(f"DELETE FROM g{generation}.reservation_history WHERE reservation_id = %s", [skipped["id"]])
    ended = programs.run(stack, "projector", "verify", "--repair", "--json", seconds=120)
    told = json.loads(ended.stdout)
    assert (ended.returncode, told["differences_left"]) == (0, 0), told
    assert query.reservation(parked)["title"] == "x"
    assert query.reservation(skipped)["title"] == "Third"
    assert [i["version"] for i in query.read(f"/v1/reservations/{skipped['id']}/history")["items"]] == [3, 1]
    letters.run("retry", "--all")
    assert query.reservation(parked)["title"] == "Second"
    assert query.reservation(in_other_room)["room_name"] == other_room["name"]


def test_a_standby_tells_what_is_parked_as_the_one_at_work_does(
    stack, topic, letters, booked, projector, tmp_path
):
    def both_tell(count: int) -> bool:
        return all(one.metrics().value("rr_projector_parked") == count for one in (projector, standby.client))

    with programs.Program(stack, "projector", tmp_path, awaits="/livez") as standby:
        topic.send(reservation_key(booked), event(booked, 2, title=7))
        (first,) = letters.wait(booked)
        eventually(lambda: both_tell(1), 60)
        letters.run("skip", str(first["id"]), "--reason", "a test")
        eventually(lambda: both_tell(0), 60)


@pytest.mark.parametrize(
    "arguments",
    [(), ("what",), ("show",), ("show", "x"), ("retry",), ("skip", "1"), ("skip", "--reason", "x"), ("list", "1"),
     ("retry", "1", "--reason", "x"), ("resume", "1")],
)  # fmt: skip
def test_a_call_that_is_wrong_says_what_is_expected(letters, arguments):
    ended = letters.run(*arguments, expect=2)
    assert "expected: dead-letters list" in ended.stderr


def test_a_letter_that_is_not_there_is_named(letters):
    for call in (("show",), ("retry",), ("skip", "--reason", "x")):
        ended = letters.run(call[0], "999999999", *call[1:], expect=1)
        assert "no dead letter 999999999" in ended.stderr
