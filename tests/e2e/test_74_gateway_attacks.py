"""The gateway against those who mean harm: what can be read in two ways goes nowhere, and nobody gets past the routes."""

import json
import socket
import ssl
import subprocess

import pytest
from support.gateway import HOST, Echo, Gateway, make_certificate
from support.waiting import eventually

JSON = b"Host: localhost\r\nContent-Type: application/json\r\n"
CLOSE = b"Host: localhost\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def echoes(stack, tmp_path_factory):
    folder = tmp_path_factory.mktemp("attacked")
    with (
        Echo("command") as command,
        Echo("query") as query,
        Gateway(stack, folder, RR_GATEWAY_COMMAND=command.address, RR_GATEWAY_QUERY=query.address) as gateway,
    ):
        gateway.services = (command, query)
        yield gateway


@pytest.fixture
def passed(echoes):
    """What the services were sent in this test."""
    before = [len(service.requests) for service in echoes.services]
    return lambda: [
        request
        for service, count in zip(echoes.services, before, strict=True)
        for request in service.requests[count:]
    ]


def problem(answers, status: int, code: str) -> None:
    """Exactly one answer, and it is this problem."""
    assert [answer[0] for answer in answers] == [status], answers
    assert json.loads(answers[0][1])["code"] == code


SMUGGLED = b"GET /v1/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize(
    "framing",
    [
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Content-Length: 0\r\nContent-Length: 49\r\n\r\n",
        b"Content-Length: 0, 49\r\n\r\n",
        b"Content-Length: +5\r\n\r\nhello",
        b"Content-Length : 0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
    ],
)
def test_a_request_whose_end_is_in_doubt_goes_nowhere(echoes, passed, framing):
    answers = echoes.raw(b"POST /v1/rooms HTTP/1.1\r\n" + JSON + framing + SMUGGLED)
    problem(answers, 400, "bad-request")
    assert passed() == []


def test_a_service_gets_a_body_in_one_plain_form(echoes, passed):
    chunked = b"Transfer-Encoding: chunked\r\n\r\n4;ext=1\r\nGET \r\n3\r\n/v1\r\n0\r\nTrailer: x\r\n\r\n"
    answers = echoes.raw(b"POST /v1/rooms HTTP/1.1\r\n" + JSON + chunked + b"GET /v1/next HTTP/1.1\r\n" + CLOSE)
    assert [status for status, _ in answers] == [200, 200]
    (first, second) = passed()
    assert first["body"] == "GET /v1"
    assert first["headers"]["content-length"] == "7" and "transfer-encoding" not in first["headers"]
    assert second["path"] == "/v1/next"


@pytest.mark.parametrize(
    ("request_line", "status", "code"),
    [
        (b"GET /v1/../metrics HTTP/1.1", 404, "not-found"),
        (b"GET /v1/%2e%2e/metrics HTTP/1.1", 404, "not-found"),
        (b"GET /v1/..%2fmetrics HTTP/1.1", 404, "not-found"),
        (b"GET /v1/rooms/../../metrics HTTP/1.1", 404, "not-found"),
        (b"GET /v1/../../etc/passwd HTTP/1.1", 400, "bad-request"),
        (b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1", 400, "bad-request"),
        (b"GET /x/../v1/rooms HTTP/1.1", 404, "not-found"),
        (b"GET //v1/rooms HTTP/1.1", 404, "not-found"),
        (b"GET /%76%31/rooms HTTP/1.1", 404, "not-found"),
        (b"GET /v1/rooms%00 HTTP/1.1", 400, "bad-request"),
        (b"GET http://localhost/metrics HTTP/1.1", 404, "not-found"),
        (b"GET http://elsewhere/v1/rooms HTTP/1.1", 421, "host-unknown"),
        (b"GET v1/rooms HTTP/1.1", 400, "bad-request"),
        (b"TRACE /v1/rooms HTTP/1.1", 405, "method-not-allowed"),
        (b"CONNECT elsewhere:443 HTTP/1.1", 400, "bad-request"),
        (b"GET /v1/rooms HTTP/3.0", 400, "bad-request"),
        (b"get /v1/rooms HTTP/1.1", 400, "bad-request"),
        (b"GET /" + b"a" * 20000 + b" HTTP/1.1", 431, "header-too-large"),
        (b"GET /v1/rooms HTTP/1.1\r\nX: " + b"a" * 20000, 431, "header-too-large"),
        (b"GET /v1/rooms HTTP/1.1\r\n" + b"\r\n".join(b"X%d: " % n + b"a" * 9000 for n in range(2)), 431, "header-too-large"),
        (b"GET /v1/rooms HTTP/1.1\r\n" + b"\r\n".join(b"X%d: " % n + b"a" * 1000 for n in range(13)), 431, "header-too-large"),
        (b"GET /v1/rooms HTTP/1.1\r\nA\0b: c", 400, "bad-request"),
        (b"GET /v1/rooms HTTP/1.1\r\nHost: localhost", 400, "bad-request"),
    ],
)  # fmt: skip
def test_a_request_beside_the_routes_goes_nowhere(echoes, passed, request_line, status, code):
    problem(echoes.raw(request_line + b"\r\n" + CLOSE), status, code)
    assert passed() == []


@pytest.mark.parametrize("path", ["/v1//rooms", "/v1/rooms/..%2f1", "/v1/./rooms", "/v1/users/a%2Fb/reservations"])
def test_a_service_sees_the_path_as_the_client_wrote_it(echoes, passed, path):
    assert echoes.raw(f"POST {path} HTTP/1.1\r\n".encode() + CLOSE)[0][0] == 200
    (request,) = passed()
    assert (request["path"], request["service"]) == (path, "query")


@pytest.mark.parametrize(
    "host", [b"elsewhere", b"localhost.elsewhere", b"127.0.0.1.elsewhere:8000", b"x@localhost", b""]
)
def test_a_host_that_is_not_ours_gets_nothing(echoes, passed, host):
    answers = echoes.raw(b"POST /v1/rooms HTTP/1.1\r\nConnection: close\r\nHost: " + host + b"\r\n\r\n")
    status = 421 if host and b"@" not in host else 400
    assert [answer[0] for answer in answers] in ([status], [421])
    assert passed() == []


def test_a_body_that_comes_slowly_keeps_no_service_waiting(echoes, passed):
    command, _ = echoes.services
    begun = command.begun
    head = b"POST /v1/rooms HTTP/1.1\r\n" + JSON + b"Connection: close\r\nContent-Length: 10\r\n\r\n"
    with socket.create_connection((HOST, echoes.port), timeout=20) as slow:
        slow.sendall(head + b"12345")
        # Somebody else's, later, is through before.
        assert echoes.client.get("/v1/rooms").status == 200
        assert [request["path"] for request in passed()] == ["/v1/rooms"]
        assert passed()[0]["method"] == "GET" and command.begun == begun
        slow.sendall(b"67890")
        assert slow.recv(12) == b"HTTP/1.1 200"
    assert passed()[0]["body"] == "1234567890"


def test_an_upgrade_to_another_protocol_is_not_made(echoes, passed):
    upgrade = b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
    answers = echoes.raw(
        b"GET /v1/rooms HTTP/1.1\r\nHost: localhost\r\nConnection: close, Upgrade, HTTP2-Settings\r\n"
        + upgrade
        + b"\r\n"
    )
    assert [status for status, _ in answers] == [200]
    assert "connection" not in passed()[0]["headers"]


# ---- TLS ----


@pytest.fixture(scope="module")
def encrypted(stack, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = make_certificate(folder)
    settings = {"RR_GATEWAY_TLS_CERTIFICATE": str(certificate), "RR_GATEWAY_TLS_KEY": str(key)}
    with Gateway(stack, folder, RR_GATEWAY_SCHEME="tls", **settings) as gateway:
        gateway.certificate = certificate
        yield gateway


def spoken(gateway, protocols: list[str]) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=gateway.certificate)
    context.set_alpn_protocols(protocols)
    return context.wrap_socket(socket.create_connection((HOST, gateway.port), 20), server_hostname="localhost")


def test_with_a_certificate_the_gateway_speaks_tls(encrypted):
    with spoken(encrypted, ["http/1.1"]) as connection:
        connection.sendall(b"GET /v1/rooms HTTP/1.1\r\n" + CLOSE)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"\r\nStrict-Transport-Security: max-age=31536000\r\n" in answer


def test_browsers_are_offered_http_2(encrypted):
    with spoken(encrypted, ["h2", "http/1.1"]) as connection:
        assert connection.selected_alpn_protocol() == "h2"
        assert connection.version() in ("TLSv1.2", "TLSv1.3")


def test_old_tls_is_refused(encrypted):
    old = ["-connect", f"{HOST}:{encrypted.port}", "-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0"]
    ended = subprocess.run(["openssl", "s_client", *old], input=b"", capture_output=True, timeout=20)
    assert ended.returncode != 0 and b"alert protocol version" in ended.stderr


def test_who_comes_without_tls_is_sent_to_it(encrypted):
    with socket.create_connection((HOST, encrypted.port), 20) as connection:
        connection.sendall(b"GET /v1/rooms?limit=1 HTTP/1.1\r\nHost: localhost:8000\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 308")
    assert b"\r\nLocation: https://localhost:8000/v1/rooms?limit=1\r\n" in answer


def test_the_log_has_a_line_a_request(echoes):
    answer = echoes.client.get("/v1/rooms", headers={"X-Request-Id": "logged-1"}, expect=200)
    assert answer.status == 200
    (line,) = eventually(lambda: [line for line in echoes.log.read_text().splitlines() if "req=logged-1" in line])
    assert 'method="GET" path="/v1/rooms" status=200' in line and "svc=gateway" in line
