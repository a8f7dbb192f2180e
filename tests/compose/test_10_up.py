"""docker compose up leads to what scripts/up leads to, and again to the same."""

import json

import pytest
import requests
from project import SERVERS, SETTINGS
from stacklib import demo, tour
from stacklib.stack import REPO
from support.answers import unchanging
from support.api import Command, Query


@pytest.fixture(scope="module")
def ids(project) -> dict[str, str]:
    return {name: project.container(name)["Id"] for name in SERVERS}


def test_every_server_is_healthy_and_every_step_has_come_to_its_end(project):
    for service in project.configuration()["services"]:
        if service in ("prometheus", "grafana"):
            continue
        state = project.container(service)["State"]
        if service in SERVERS:
            assert state["Health"]["Status"] == "healthy", service
        else:
            assert (state["Status"], state["ExitCode"]) == ("exited", 0), service


def body(text: str) -> str:
    """Without the headers, to which the gateway adds."""
    return text.partition("\n\n")[2] if text.startswith("HTTP/") else text


def test_the_readmes_tour_answers_what_the_readme_shows(project):
    class Stack:
        env = project.env

    for command in tour.run(Stack):
        assert unchanging(body(command.output)) == unchanging(body(command.shown)), command.text


def test_the_gateway_is_one_origin_for_both_services(project):
    room = Command(project.url).create_room()
    assert (
        Command(project.url).get(f"/v1/rooms/{room['id']}", headers={"Cache-Control": "no-cache"})["id"]
        == room["id"]
    )
    assert Query(project.url).room(room, token=room.token)["name"] == room["name"]


def test_calendar_links_begin_with_the_published_address(project):
    assert Query(project.url).read("/v1/users/ann/calendar-link")["url"].startswith(f"{project.url}/v1/")


def test_up_again_changes_nothing(project, ids):
    before = project.env
    project.up()
    assert {name: project.container(name)["Id"] for name in SERVERS} == ids
    assert project.env == before
    names = [item["name"] for item in Query(project.url).rooms(limit=200)["items"]]
    for name, *_ in demo.ROOMS:
        assert names.count(name) == 1


def test_what_deploy_says_of_the_servers_is_what_is_in_force(project):
    """The files of deploy/, not the defaults of the images."""
    assert "ON" in project.execute(
        "mysql", "mysql", "--defaults-file=/run/secrets/mysql-client.cnf", "-e", "SELECT @@gtid_mode"
    )
    broker = (REPO / "deploy/kafka/server.properties").read_text()
    assert "auto.create.topics.enable=false" in broker
    assert "auto.create.topics.enable=false" in project.execute("kafka", "cat", "/settings/server.properties")
    configuration = json.loads((REPO / "deploy/connector.json").read_text())
    worker = f"http://{project.address('connect')}:8083/connectors/reservations/config"
    present = requests.get(worker, timeout=10).json()
    for key, value in configuration.items():
        if "{{" not in value:
            assert present[key] == value


@pytest.mark.parametrize("name", ["command-svc", "query-svc", "projector"])
def test_settings_in_a_file_reach_the_program_that_it_is_named_after(project, name):
    lines = (SETTINGS / f"{name}.env").read_text().splitlines()
    assert lines and set(lines) <= set(project.execute(name, name, "--dump-config").splitlines())
