"""What operators are shown and woken by: Prometheus scrapes real servers, and every alarm and every panel asks for what is there."""

import json
import re
import subprocess

import pytest
import yaml
from stacklib.stack import REPO
from support.api import Command, Query
from support.prometheus import FOLDER, Prometheus, program
from support.times import on
from support.waiting import eventually

RULES = [
    rule
    for group in yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]  # fmt: skip
TESTS = sorted((REPO / "tests/prometheus").glob("*_test.yml"))
DASHBOARD = json.loads((REPO / "deploy/grafana/dashboards/rooms.json").read_text())
# Shown from the first time on; until then only the programs' sources name them.
LATE = {"rr_mysql_retries_total"}
SCRAPED = {"up"}


def panel_queries() -> list[tuple[str, str]]:
    return [
        (panel["title"], target["expr"].replace("$__rate_interval", "10s"))
        for panel in DASHBOARD["panels"]
        for target in panel.get("targets", [])
    ]


def metrics_in(expression: str) -> set[str]:
    found = set(re.findall(r"\b((?:rr|process)_[a-z_]+)\b", expression))
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in found}


@pytest.fixture(scope="module")
def prometheus(stack, tmp_path_factory):
    """With a booking and a read of it in what it sees."""
    with Prometheus(stack, tmp_path_factory.mktemp("prometheus")) as prometheus:
        command, query = Command(stack.command_svc.url), Query(stack.query_svc.url)

        def traffic() -> bool:
            booked = command.reserve(command.create_room(), on(3, "10:00"), on(3, "11:00"))
            query.reservation(booked, token=booked.token)
            return all(
                prometheus.query(f"rate({name}_count[10s]) > 0")
                for name in ("rr_http_request_seconds", "rr_mysql_job_seconds", "rr_projector_freshness_seconds")
            )

        eventually(traffic, 60, 0.5)
        yield prometheus


def names_of(prometheus) -> set[str]:
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in prometheus.names()}


def test_every_alarm_asks_for_metrics_that_there_are(prometheus):
    for rule in RULES:
        missing = metrics_in(rule["expr"]) - names_of(prometheus)
        assert not missing, rule["alert"]
        prometheus.query(rule["expr"])


def test_no_alarm_rings_while_all_is_well(prometheus):
    assert [found["metric"]["alertname"] for found in prometheus.query('ALERTS{alertstate="firing"}')] == []


def test_every_panel_shows_something(prometheus):
    sources = "".join(path.read_text() for path in REPO.glob("*/*.c")) + "".join(
        path.read_text() for path in REPO.glob("common/http/*.c")
    )
    for title, expression in panel_queries():
        for name in metrics_in(expression) & LATE:
            assert f'"{name}"' in sources, title
        assert metrics_in(expression) - LATE <= names_of(prometheus), title
        eventually(lambda expression=expression: prometheus.query(expression), 30)


def test_the_dashboard_asks_the_datasource_that_is_provisioned():
    provisioned = yaml.safe_load((REPO / "deploy/grafana/provisioning/datasources/prometheus.yml").read_text())
    uids = {source["uid"] for source in provisioned["datasources"]}
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            assert target["datasource"]["uid"] in uids, panel["title"]
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_the_alarms_ring_when_they_should(tmp_path):
    promtool = program("promtool", tmp_path / "fetch.log")
    for arguments in (
        ["check", "config", FOLDER / "prometheus.yml"],
        ["check", "rules", FOLDER / "alerts.yml"],
        ["test", "rules", *TESTS],
    ):
        done = subprocess.run([promtool, *map(str, arguments)], capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr


def test_each_alarm_is_seen_to_ring_and_seen_quiet():
    ringing, quiet = set(), set()
    for path in TESTS:
        for test in yaml.safe_load(path.read_text())["tests"]:
            for check in test["alert_rule_test"]:
                (ringing if check.get("exp_alerts") else quiet).add(check["alertname"])
    names = {rule["alert"] for rule in RULES}
    assert len(names) == len(RULES)
    assert ringing == names and quiet >= names


def test_each_alarm_leads_to_a_part_of_the_manual():
    headings = re.findall(r"^#+ (.+)$", (REPO / "docs/operations.md").read_text(), re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    for rule in RULES:
        page, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert page == "docs/operations.md" and anchor in anchors, rule["alert"]
        assert rule["labels"]["severity"] in ("page", "ticket")
