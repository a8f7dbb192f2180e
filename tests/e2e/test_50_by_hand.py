"""Changes that are typed as SQL into MySQL: recorded like any other, and no way around the rules."""

import uuid

import psycopg
import pymysql
import pytest
from support.databases import connect_mysql
from support.times import moment, on
from support.waiting import eventually

REFUSED_BY_TRIGGER = 1644


@pytest.fixture
def sql(mysql):
    def run(statement, *arguments):
        with mysql.cursor() as cursor:
            cursor.execute(statement, arguments)
            return cursor.fetchall()

    return run


@pytest.fixture
def insert(sql, room, user):
    """Books by hand; returns the id."""

    def insert(day, start, end, room_id=room["id"], state="confirmed"):
        number = uuid.uuid4()
        starts_at, ends_at = (moment(on(day, clock)).replace(tzinfo=None) for clock in (start, end))
        sql(
            "INSERT INTO reservation (id, room_id, user_id, starts_at, ends_at, state) VALUES (%s, %s, %s, %s, %s, %s)",
            number.bytes, room_id, user, starts_at, ends_at, state,
        )  # fmt: skip
        return number

    return insert


def history(query, user, count):
    """The user's history once it has `count` events."""
    return eventually(lambda: (items := query.history(user)["items"]) and len(items) == count and items)


def test_a_booking_by_hand_reaches_the_history_with_the_sql_user(query, sql, insert, room, user):
    number = insert(2, "10:00", "11:00")
    ((account,),) = sql("SELECT USER()")
    (event,) = history(query, user, 1)
    assert (event["reservation_id"], event["kind"], event["version"]) == (str(number), "created", 1)
    assert event["recorded_by"] == account
    assert event["reason"] is None
    assert query.reservation(str(number))["room_name"] == room["name"]


def test_a_change_by_hand_of_a_booking_made_by_http_is_recorded(command, query, sql, room, user):
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user, title="before")
    sql("UPDATE reservation SET title = 'by hand' WHERE id = UUID_TO_BIN(%s)", booked["id"])
    ((account,),) = sql("SELECT USER()")
    newest = history(query, user, 2)[0]
    assert (newest["kind"], newest["version"], newest["recorded_by"]) == ("changed", 2, account)
    assert newest["changes"] == {"title": {"from": "before", "to": "by hand"}}
    command.change(booked, title="x", expect=412, code="version-stale")


def test_the_actor_and_reason_of_a_session_are_recorded(query, sql, insert, user):
    sql("SET @rr_actor = 'janitor', @rr_reason = 'cleaning up'")
    insert(2, "10:00", "11:00")
    (event,) = history(query, user, 1)
    assert (event["recorded_by"], event["reason"]) == ("janitor", "cleaning up")


def test_a_deletion_by_hand_hides_the_booking_and_keeps_its_history(command, query, sql, room, user):
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user)
    sql("DELETE FROM reservation WHERE id = UUID_TO_BIN(%s)", booked["id"])
    newest, _ = history(query, user, 2)
    assert (newest["kind"], newest["version"], newest["changes"]) == ("deleted", 2, {})
    query.reservation(booked, expect=404, code="not-found")
    assert query.reservations(user)["items"] == []
    command.reservation(booked, expect=404)
    (item,) = query.popular(on(2, "00:00"), on(3, "00:00"), room_id=room["id"])["items"]
    assert item["reservations"] == 0


def test_a_rename_by_hand_reaches_the_reservations(command, query, sql, room, user):
    command.reserve(room, on(2, "10:00"), on(2, "11:00"), user)
    new = room["name"] + " by hand"
    sql("UPDATE room SET name = %s WHERE id = %s", new, room["id"])
    eventually(lambda: [r["room_name"] for r in query.reservations(user)["items"]] == [new])


def test_a_transaction_of_several_bookings_arrives_whole(query, mysql, insert, user):
    mysql.begin()
    for n in range(5):
        insert(2, f"1{n}:00", f"1{n}:30")
    mysql.rollback()
    mysql.begin()
    for n in range(3):
        insert(3, f"1{n}:00", f"1{n}:30")
    mysql.commit()
    items = history(query, user, 3)
    assert {item["starts_at"][:10] for item in items} == {on(3, "00:00")[:10]}


def refused(call, *arguments) -> str:
    with pytest.raises(pymysql.err.OperationalError) as caught:
        call(*arguments)
    assert caught.value.args[0] == REFUSED_BY_TRIGGER, caught.value
    return caught.value.args[1]


def test_a_double_booking_by_hand_is_refused_by_mysql_itself(command, sql, insert, room):
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"))
    refused(insert, 2, "10:30", "11:30")
    refused(insert, 2, "09:00", "12:00")
    other = insert(2, "11:00", "12:00")
    refused(sql, "UPDATE reservation SET starts_at = starts_at - INTERVAL 1 MINUTE WHERE id = %s", other.bytes)
    cancelled = insert(2, "10:00", "11:00", state="cancelled")
    refused(sql, "UPDATE reservation SET state = 'confirmed' WHERE id = %s", cancelled.bytes)
    command.cancel(booked)
    sql("UPDATE reservation SET state = 'confirmed' WHERE id = %s", cancelled.bytes)


def test_two_sessions_by_hand_cannot_double_book_at_any_isolation_level(stack, command, user):
    from concurrent.futures import ThreadPoolExecutor

    levels = ("READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")

    def book(room_id, level):
        connection = connect_mysql(stack)
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"SET SESSION TRANSACTION ISOLATION LEVEL {level}")
                cursor.execute("SELECT COUNT(*) FROM reservation WHERE room_id = %s", (room_id,))
                cursor.execute(
                    "INSERT INTO reservation (id, room_id, user_id, starts_at, ends_at)"
                    " VALUES (%s, %s, %s, '2030-01-01 10:00', '2030-01-01 11:00')",
                    (uuid.uuid4().bytes, room_id, user),
                )
            return "booked"
        except pymysql.err.OperationalError as error:
            return error.args[0]
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        for _ in range(3):
            room_id = command.create_room()["id"]
            ends = list(pool.map(book, [room_id] * 8, levels * 2))
            assert ends.count("booked") == 1, ends


def test_the_journal_is_only_ever_added_to(command, sql, room):
    command.reserve(room, on(2, "10:00"), on(2, "11:00"))
    refused(sql, "UPDATE reservation_event SET kind = 'changed' WHERE room_id = %s", room["id"])
    refused(sql, "DELETE FROM reservation_event WHERE room_id = %s", room["id"])


def test_versions_and_times_of_record_are_not_to_be_typed(command, sql, room):
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"))
    where = "WHERE id = UUID_TO_BIN(%s)"
    sql(
        f"UPDATE reservation SET version = 77, created_at = '2000-01-01', updated_at = '2000-01-01' {where}",
        booked["id"],
    )
    assert command.reservation(booked).json == booked.json
    refused(sql, f"UPDATE reservation SET id = UUID_TO_BIN(UUID()) {where}", booked["id"])


def test_rooms_are_retired_not_deleted(sql, room):
    refused(sql, "DELETE FROM room WHERE id = %s", room["id"])
    refused(sql, "UPDATE room SET id = id + 1000000 WHERE id = %s", room["id"])


def test_each_program_has_no_more_rights_than_it_needs(stack):
    """command-svc's account can neither read nor write the journal, nor drop a table, the projector's cannot write the truth,
    query-svc's cannot write the read model (only revoke calendar links), and the projector's knows no link's secret."""
    in_mysql = {
        "rr_command": (
            "DELETE FROM reservation",
            "INSERT INTO reservation_event SELECT * FROM reservation_event WHERE false",
            "SELECT version FROM reservation_event LIMIT 1",
            "DROP TABLE pulse",
            "DROP TRIGGER reservation_before_insert",
        ),
        "rr_projector": (
            "UPDATE room SET capacity = capacity WHERE false",
            "DELETE FROM reservation WHERE false",
            "SELECT * FROM idempotency_key LIMIT 1",
        ),
    }
    in_postgres = {
        "rr_query": (
            "UPDATE projection.position SET next_offset = 0 WHERE false",
            "SELECT * FROM projection.dead_letter LIMIT 1",
            "CREATE TABLE public.x (y int)",
        ),
        "rr_projector": (
            "SELECT * FROM projection.calendar_secret",
            "UPDATE projection.calendar_link SET epoch = 0 WHERE false",
        ),
    }
    for user, statements in in_mysql.items():
        connection = pymysql.connect(
            host="127.0.0.1",
            port=stack.mysql.port,
            user=user,
            password=stack.mysql.password(user),
            database="reservations",
        )
        for statement in statements:
            with pytest.raises(pymysql.err.MySQLError) as caught, connection.cursor() as cursor:
                cursor.execute(statement)
            assert caught.value.args[0] == 1142, statement  # the right is missing, whatever else is wrong
        connection.close()
    for user, statements in in_postgres.items():
        with psycopg.connect(stack.postgres.conninfo(user), autocommit=True) as pg:
            for statement in statements:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    pg.execute(statement)


def test_a_generation_that_cannot_serve_leaves_the_serving_one_in_its_place(pg, query):
    with pytest.raises(psycopg.Error, match="cannot serve"):
        pg.execute("SELECT projection.serve(0)")
    query.rooms(expect=200)
