"""Each container may do no more than it needs to."""

import pytest
import requests
from project import SERVERS
from stacklib import postgres
from stacklib.stack import REPO
from support.databases import connect_mysql

PROGRAMS_IMAGE = "room-reservation/programs"
IMAGE_BYTES = 160_000_000


@pytest.fixture(scope="module")
def containers(project, engine) -> dict[str, dict]:
    """All containers, steps included, by service."""
    found = engine.inspect(*project.containers(all=True))
    return {c["Config"]["Labels"]["com.docker.compose.service"]: c for c in found}


def test_no_container_is_roots(containers):
    for service, container in containers.items():
        assert container["Config"]["User"].split(":")[0] not in ("", "0", "root"), service


@pytest.mark.parametrize("service", SERVERS)
def test_no_process_is_roots(project, engine, service):
    for line in engine.docker("top", *project.containers(service), "-eo", "pid,uid,args").splitlines()[1:]:
        assert line.split()[1] != "0", line


def test_the_user_of_our_images_is_fixed(engine):
    for image, user in ((PROGRAMS_IMAGE, "10001:10001"), ("room-reservation/setup", "10002:10002")):
        assert engine.inspect(image)[0]["Config"]["User"] == user


def test_root_file_systems_are_read_only(containers):
    for service, container in containers.items():
        assert container["HostConfig"]["ReadonlyRootfs"] is True, service


@pytest.mark.parametrize("service", SERVERS)
def test_nothing_can_be_written_beside_data_and_scratch(project, service):
    for folder in ("/", "/usr/bin", "/etc", "/home"):
        assert "written" not in project.execute(
            service, "bash", "-c", f"touch {folder}/x 2>/dev/null && echo written", check=False
        )


def test_no_container_has_a_capability_or_can_get_one(containers, project):
    for service, container in containers.items():
        host = container["HostConfig"]
        assert host["CapDrop"] == ["ALL"] and not host["CapAdd"], service
        assert "no-new-privileges:true" in host["SecurityOpt"], service
        assert not host["Privileged"] and not host["PidMode"] and host["IpcMode"] != "host", service
    for service in SERVERS:
        status = project.execute(service, "cat", "/proc/1/status")
        values = dict(line.split(":", 1) for line in status.splitlines())
        assert {values[name].strip() for name in ("CapPrm", "CapEff", "CapBnd")} == {"0" * 16}, service
        assert values["NoNewPrivs"].strip() == "1", service


def test_only_the_gateway_is_published_and_only_on_loopback(containers, project):
    for service, container in containers.items():
        ports = container["HostConfig"]["PortBindings"] or {}
        expected = {"8000/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(project.port)}]}
        assert ports == (expected if service == "gateway" else {}), service
        assert container["HostConfig"]["NetworkMode"] != "host", service
    for service in project.configuration()["services"].values():
        for port in service.get("ports", []):
            assert port["host_ip"] == "127.0.0.1"


def test_only_the_gateway_has_a_way_out(containers, project, engine):
    for network in engine.inspect(f"{project.name}_inside", f"{project.name}_front"):
        assert network["Internal"] is True
    special = {"gateway": {"front", "outside"}, "prepare": {"none"}, "demo": {"front"}}
    special |= {program: {"inside", "front"} for program in ("command-svc", "query-svc", "projector")}
    for service, container in containers.items():
        networks = {name.removeprefix(f"{project.name}_") for name in container["NetworkSettings"]["Networks"]}
        assert networks == special.get(service, {"inside"}), service


def test_the_gateway_reaches_the_programs_and_nothing_behind_them(project):
    def reaches(host: str, port: int) -> bool:
        probe = f"timeout 2 bash -c '</dev/tcp/{host}/{port}' && echo reached"
        return "reached" in project.execute("gateway", "bash", "-c", probe, check=False).splitlines()

    assert reaches("command-svc", 8080)
    for service, port in (("mysql", 3306), ("postgres", 5432), ("kafka", 9092), ("connect", 8083)):
        assert not reaches(service, port) and not reaches(project.address(service), port), service


@pytest.mark.parametrize("service", SERVERS)
def test_every_server_has_a_health_check_and_is_started_again(containers, service):
    assert containers[service]["Config"]["Healthcheck"]["Test"][0] == "CMD"
    assert containers[service]["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"


def test_no_password_stands_in_the_environment_or_on_a_command_line(containers, project):
    passwords = [project.secret("mysql", "mysql-root"), project.secret("command-svc", "mysql-rr_command")]
    passwords += [
        project.secret("postgres", "postgres-postgres"),
        project.secret("projector", "mysql-rr_projector"),
    ]
    for service, container in containers.items():
        for password in passwords:
            assert len(password) >= 32
            assert password not in str(container), service


def test_each_program_sees_its_own_passwords_only(project):
    def files(service: str) -> set[str]:
        return set(project.execute(service, "ls", "-A", "/run/secrets").split())

    assert files("command-svc") == {"mysql-rr_command"}
    assert files("query-svc") == {"conninfo-rr_query"}
    assert files("connect") == {"connect-secrets.properties"}
    assert files("projector") == {"mysql-rr_projector", "conninfo-rr_projector"}
    for service in ("kafka", "gateway"):
        assert "/run/secrets" not in {mount["Destination"] for mount in project.container(service)["Mounts"]}


def test_the_worker_tells_nobody_its_password(project):
    _, _, password = project.secret("connect", "connect-secrets.properties").partition("=")
    worker = f"http://{project.address('connect')}:8083/connectors/reservations"
    for path in ("", "/config", "/tasks"):
        answer = requests.get(worker + path, timeout=10)
        assert answer.status_code == 200 and len(password) >= 32 and password not in answer.text


def test_each_program_has_an_account_of_its_own(project):
    connection = connect_mysql(project)
    with connection.cursor() as cursor:
        cursor.execute("SELECT user, SUBSTRING_INDEX(host, ':', 1) FROM information_schema.processlist")
        users = {host: user for user, host in cursor.fetchall()}
    connection.close()
    assert users[project.address("command-svc")] == "rr_command"
    assert users[project.address("connect")] == "rr_debezium"
    for service, user in (("query-svc", postgres.QUERY_USER), ("projector", postgres.PROJECTOR_USER)):
        line = f"FROM pg_stat_activity WHERE client_addr = '{project.address(service)}'"
        assert project.psql(f"SELECT DISTINCT usename {line}").split() == [user]


def test_the_image_of_the_programs_is_small_and_has_no_tools_to_build_with(engine):
    (image,) = engine.inspect(PROGRAMS_IMAGE)
    assert image["Size"] < IMAGE_BYTES
    found = engine.docker(
        "run", "--rm", PROGRAMS_IMAGE, "bash", "-c", "type -P gcc cmake python3 curl", check=False
    )
    assert found == ""


def test_no_volume_is_without_a_name(project, containers):
    """What an image declares as a volume and nobody mounts would stay behind each time, with data in it."""
    for service, container in containers.items():
        for mount in container["Mounts"]:
            if mount["Type"] == "volume":
                assert mount["Name"].startswith(f"{project.name}_"), (service, mount["Destination"])


def test_only_files_of_the_checkout_are_mounted_and_only_to_be_read(containers):
    for service, container in containers.items():
        for mount in container["Mounts"]:
            if mount["Type"] == "bind":
                assert mount["Source"].startswith(str(REPO)) and mount["RW"] is False, service
