"""Settings in files: one for each program and one for the gateway, in a folder that scripts/stack and Compose read."""

import os
import subprocess
from pathlib import Path

import pytest
import requests
from conftest import PRESET
from stacklib.errors import StackError
from stacklib.stack import REPO, Stack
from support import programs
from support.gateway import make_certificate


@pytest.fixture
def folder(tmp_path) -> Path:
    for path in (tmp_path, *list(tmp_path.parents)[:2]):
        path.chmod(0o755)  # pytest's own is closed to the servers' user
    (tmp_path / "settings").mkdir()
    return tmp_path / "settings"


@pytest.fixture
def other(stack, folder):
    """A stack of its own with those settings; nothing of it runs yet."""
    other = Stack(folder.parent / "stack", ports="auto", preset=PRESET, settings=folder)
    other.files = stack.files
    yield other
    other.stop()


def test_a_setting_reaches_its_program_and_no_other(other, folder):
    (folder / "command-svc.env").write_text("# more at once\nRR_MYSQL_WORKERS=7\n\nRR_LOG_LEVEL=warn\n")
    dumped = programs.run(other, "command-svc", "--dump-config").stdout.splitlines()
    assert "RR_MYSQL_WORKERS=7" in dumped and "RR_LOG_LEVEL=warn" in dumped
    assert "RR_LOG_LEVEL=warn" not in programs.run(other, "query-svc", "--dump-config").stdout.splitlines()


def test_a_program_is_started_with_it(other, folder):
    (folder / "command-svc.env").write_text("RR_MYSQL_WORKERS=many\n")
    with pytest.raises(StackError, match='RR_MYSQL_WORKERS: "many"'):
        other.start(["command-svc"])


def test_a_shell_is_told_of_it(stack, folder):
    (folder / "projector.env").write_text("RR_READY_LAG_MS=9000\n")
    argv = [REPO / "scripts/stack", "--dir", stack.dir, "env", "projector"]
    told = subprocess.run(argv, env=os.environ | {"RR_SETTINGS": str(folder)}, capture_output=True, text=True)
    assert "export RR_READY_LAG_MS='9000'" in told.stdout.splitlines(), told.stderr


@pytest.mark.parametrize(
    "line", ["RR_HTTP_PORT=8081", "RR_WAIT_MAX='9'", "RR_WAIT_MAX=9 # more", "RR_WAIT_MAX", "PATH=/"]
)
def test_what_is_the_stacks_own_or_could_be_read_in_two_ways_is_refused(other, folder, line):
    (folder / "query-svc.env").write_text(f"{line}\n")
    with pytest.raises(StackError, match="query-svc.env"):
        other.query_svc.whole_environment()


def test_the_gateway_takes_its_settings_tls_among_them(other, folder):
    certificate, key = make_certificate(folder)
    lines = ["RR_GATEWAY_SCHEME=tls", f"RR_GATEWAY_TLS_CERTIFICATE={certificate}", f"RR_GATEWAY_TLS_KEY={key}"]
    (folder / "gateway.env").write_text("\n".join([*lines, r"RR_GATEWAY_HOSTS=rooms\.example\.org"]))
    other.start(["gateway"])
    assert other.env["RR_GATEWAY_URL"].startswith("https://")
    url = f"{other.gateway.url}/nothing"
    named = requests.get(url, headers={"Host": "rooms.example.org"}, verify=certificate, timeout=10)
    assert named.json()["code"] == "not-found"
    assert requests.get(url, verify=certificate, timeout=10).json()["code"] == "host-unknown"
