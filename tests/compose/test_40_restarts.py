"""Any container may go away and come again: nothing acknowledged is lost, nothing is booked twice."""

import time

from chaos import audit
from contenders import Contenders
from project import HEALTHY_SECONDS, SERVERS
from support import truth
from support.api import Command, Query
from support.databases import connect_mysql
from support.waiting import eventually

JAVA = ("kafka", "connect")


def caught_up(project) -> None:
    """Waits until the read model includes all that is committed now."""
    token = Command(project.url).create_room().token
    eventually(
        lambda: Query(project.url).get("/v1/rooms", headers={"Consistency-Token": token}).status == 200,
        HEALTHY_SECONDS,
    )


def test_each_container_can_be_restarted_under_load(project):
    room = Command(project.url).create_room()["id"]
    with Contenders(project.url, room) as contenders:
        for service in SERVERS:
            contenders.wait_for(10)
            began = str(time.time())
            project.compose("restart", service)
            if service not in JAVA:  # which ends with the signal's number
                assert project.exit_codes(service, began) == {0}, f"{service} did not end by itself"
            eventually(lambda service=service: project.is_healthy(service), seconds=HEALTHY_SECONDS)
            contenders.wait_for(10)
    assert contenders.problems == []
    assert contenders.refused > 0
    caught_up(project)
    connection = connect_mysql(project)
    found = audit.findings(connection, [room], contenders.promised, all_told=False)
    assert {kind: lines for kind, lines in found.items() if lines} == {}
    assert truth.differences(connection, project.connect_pg()) == []
    connection.close()


def test_verify_finds_no_difference(project):
    status, words = project.verify()
    assert status == 0, words
