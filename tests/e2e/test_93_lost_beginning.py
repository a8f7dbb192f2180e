"""The first generation of a log whose beginning is gone: that is told, and it serves when it has been made whole from MySQL."""

import re

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from support import truth
from support.times import on
from support.topic import NAME
from support.waiting import eventually


def forget_all(pg) -> None:
    """As if no projector had ever run."""
    for (number,) in pg.execute("SELECT generation FROM projection.generation").fetchall():
        pg.execute(f"DROP SCHEMA g{number} CASCADE")
    pg.execute("DELETE FROM projection.position")
    pg.execute("DELETE FROM projection.generation")


def retention_took_it(stack, admin) -> None:
    everything = TopicPartition(NAME, 0, -1)
    admin.delete_records([everything])[everything].result(30)


def topic_was_made_anew(stack, admin) -> None:
    stack.stop(["connect"])
    admin.delete_topics([NAME])[NAME].result(30)
    stack.start(["connect"])


@pytest.mark.parametrize(
    ("lose", "reason"),
    [
        (retention_took_it, "it begins at offset "),
        (topic_was_made_anew, "it begins with a change, not with a snapshot"),
    ],
    ids=["retention", "made anew"],
)
def test_the_first_generation_of_a_log_without_its_beginning_is_made_whole_before_it_serves(
    stack, command, query, projector, mysql, pg, room, user, caught_up, lose, reason
):
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), user)
    caught_up()
    stack.stop(["projector"])
    offset = stack.projector.log.stat().st_size
    forget_all(pg)
    lose(stack, AdminClient({"bootstrap.servers": stack.env["RR_KAFKA_BOOTSTRAP"]}))
    changed = command.change(booked, title="Later")
    stack.projector.launch()
    query.rooms(expect=503, code="projection-not-ready")

    def logged() -> str:
        return stack.projector.log.read_bytes()[offset:].decode()

    eventually(lambda: "ALARM: the log has lost its beginning" in logged(), 60)
    assert reason in logged()
    eventually(projector.is_ready, 300)
    eventually(lambda: "the generation serves" in logged())  # lines are collected for some milliseconds
    told = re.findall(r'msg="(the log is proven|the generation serves)"', logged())
    assert told == ["the log is proven", "the generation serves"]
    answer = query.reservation(booked, token=changed.token, wait=10)
    assert (answer["title"], answer["version"]) == ("Later", 2)
    caught_up(60)
    assert truth.differences(mysql, pg) == []
