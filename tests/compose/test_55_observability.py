"""The profile with Prometheus and Grafana. There is no package to make a stand-in for Grafana of: of it, only the wiring is checked."""

import requests
from project import HEALTHY_SECONDS
from stacklib.ports import HOST
from support.programs import free_port
from support.waiting import eventually


def test_prometheus_finds_every_instance(project):
    project.settings["RR_PROMETHEUS_PORT"] = str(port := free_port())
    project.up("--no-deps", "prometheus")

    def all_answer() -> bool:
        targets = requests.get(f"http://{HOST}:{port}/api/v1/targets", timeout=30).json()["data"]["activeTargets"]
        up = {target["labels"]["job"] for target in targets if target["health"] == "up"}
        return up == {"command-svc", "query-svc", "projector"} and all(t["health"] == "up" for t in targets)

    eventually(all_answer, seconds=HEALTHY_SECONDS)
    rules = requests.get(f"http://{HOST}:{port}/api/v1/rules", timeout=30).json()["data"]["groups"]
    assert rules
    project.compose("rm", "--stop", "--force", "prometheus")


def test_grafana_gets_the_dashboard_and_its_source_and_no_more_rights(project):
    services = project.configuration()["services"]
    grafana = services["grafana"]
    mounted = {volume["target"]: volume["source"] for volume in grafana["volumes"]}
    assert mounted["/etc/grafana/provisioning"].endswith("deploy/grafana/provisioning")
    assert mounted["/etc/grafana/dashboards"].endswith("deploy/grafana/dashboards")
    rights = {
        "GF_AUTH_ANONYMOUS_ORG_ROLE": "Viewer",
        "GF_AUTH_BASIC_ENABLED": "false",
        "GF_AUTH_DISABLE_LOGIN_FORM": "true",
        "GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION": "true",
    }
    assert rights.items() <= grafana["environment"].items()
    for name in ("grafana", "prometheus"):
        service = services[name]
        assert service["profiles"] == ["observability"]
        assert service["user"] not in ("", "0", "root")
        assert service["read_only"] is True and service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"] and service["healthcheck"]
