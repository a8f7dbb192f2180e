"""TLS by setting, for clients who know the gateway by a name of its own: it is well, and speaks to nobody else."""

import pytest
import requests
from stacklib.ports import HOST
from support.gateway import make_certificate

NAME = "rooms.example.org"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory, project):
    """The certificate; the gateway that bears it is healthy."""
    folder = tmp_path_factory.mktemp("gateway")
    folder.chmod(0o755)  # the gateway is another user
    certificate, _ = make_certificate(folder)
    (folder / "gateway.env").write_text("RR_GATEWAY_SCHEME=tls\nRR_GATEWAY_HOSTS=rooms\\.example\\.org\n")
    before = dict(project.settings)
    project.settings |= {"RR_SETTINGS": str(folder), "RR_GATEWAY_TLS": str(folder)}
    project.up("--no-deps", "gateway")
    yield certificate
    project.settings = before
    project.up("--no-deps", "gateway")


def test_the_gateway_speaks_tls(project, certificate):
    url = f"https://{HOST}:{project.port}/v1/rooms"
    rooms = requests.get(url, headers={"Host": NAME}, verify=certificate, timeout=10)
    assert rooms.status_code == 200 and rooms.json()["items"]
    assert requests.get(url, verify=certificate, timeout=10).json()["code"] == "host-unknown"


def test_who_comes_without_tls_is_sent_to_it(project, certificate):
    answer = requests.get(f"{project.url}/livez", allow_redirects=False, timeout=10)
    assert (answer.status_code, answer.headers["Location"]) == (308, f"https://{HOST}:{project.port}/livez")
