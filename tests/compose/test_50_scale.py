"""Several of each program behind the gateway: one projector is at work, the others stand by."""

import time
from collections import Counter

import pytest
from contenders import Contenders
from project import HEALTHY_SECONDS
from support.api import Command, Query
from support.metrics import Metrics
from support.waiting import eventually

COUNTS = {"query-svc": 3, "command-svc": 2, "projector": 2}
PORTS = {"query-svc": 8090, "command-svc": 8080, "projector": 8070}
TAKEOVER_SECONDS = 60.0
# In which nginx asks for the addresses of the instances twice (resolver … valid).
CHANGE_SECONDS = 10.0


@pytest.fixture(scope="module", autouse=True)
def scaled(project):
    project.up(*[f"--scale={name}={count}" for name, count in COUNTS.items()])
    yield
    project.up(*[f"--scale={name}=1" for name in COUNTS])


def metrics(project, service: str) -> list[Metrics]:
    """Of each instance."""
    return [
        Metrics(Query(f"http://{address}:{PORTS[service]}").get("/metrics").text)
        for address in project.addresses(service)
    ]


@pytest.mark.parametrize("service", COUNTS)
def test_as_many_run_as_were_asked_for(project, service):
    assert len(project.containers(service)) == COUNTS[service]


def test_the_gateway_uses_every_instance(project):
    command, query = Command(project.url), Query(project.url)

    def every_one_was_asked():
        """The gateway learns of them from Docker's name service, within seconds."""
        for _ in range(12):
            query.rooms(limit=1)
            command.call("POST", "/v1/rooms", {})
        asked = metrics(project, "query-svc") + metrics(project, "command-svc")
        return all(m.value("rr_http_requests_total", route="/v1/rooms") for m in asked)

    eventually(every_one_was_asked, seconds=HEALTHY_SECONDS)


def test_a_write_is_read_from_any_instance(project):
    command, query = Command(project.url), Query(project.url)
    room = command.create_room()
    for _ in range(12):
        assert query.room(room, token=room.token)["name"] == room["name"]


def test_one_instance_of_a_program_can_go_away(project, engine):
    command, query = Command(project.url), Query(project.url)
    victims = [project.containers(name)[0] for name in ("query-svc", "command-svc")]
    room = command.create_room()["id"]
    statuses = Counter()
    with Contenders(project.url, room) as contenders:
        contenders.wait_for(10)
        engine.docker("kill", *victims)
        until = time.monotonic() + CHANGE_SECONDS
        while time.monotonic() < until:
            statuses[query.get("/v1/rooms", params={"limit": 1}).status] += 1
        contenders.wait_for(20)
    engine.docker("start", *victims)
    assert contenders.problems == []
    assert set(statuses) == {200}, statuses


def at_work(project) -> str:
    """The projector's container that applies batches; there is a pulse every second."""

    def batches() -> list[float]:
        return [m.value("rr_projector_batches_total") for m in metrics(project, "projector")]

    before = batches()

    def moved() -> list[str]:
        now = zip(project.containers("projector"), before, batches(), strict=True)
        return [container for container, old, new in now if new > old + 2]

    (active,) = eventually(moved, seconds=HEALTHY_SECONDS)
    return active


def test_a_standby_projector_takes_over_from_one_that_was_killed(project, engine, record_testsuite_property):
    command, query = Command(project.url), Query(project.url)
    active = at_work(project)
    before = query.rooms(limit=1).as_of
    began = time.monotonic()
    engine.docker("kill", active)
    token = command.create_room().token
    eventually(
        lambda: query.get("/v1/rooms", headers={"Consistency-Token": token}).status == 200,
        seconds=TAKEOVER_SECONDS,
    )
    record_testsuite_property("takeover_seconds", round(time.monotonic() - began, 1))
    assert query.rooms(limit=1).as_of > before
    engine.docker("start", active)
    eventually(lambda: project.is_healthy("projector"), seconds=HEALTHY_SECONDS)
    assert at_work(project)  # one of them, whichever came first
