"""The gateway: one origin for both services, through a real nginx with the files that every deployment runs."""

import json
import re
from urllib.parse import urlsplit

import pytest
from stacklib.gateway import FOLDER, defaults
from stacklib.stack import REPO
from support.api import Command, Query, Service
from support.events import Stream
from support.gateway import Broken, Echo, Gateway
from support.programs import free_port
from support.times import on
from support.waiting import eventually


@pytest.fixture(scope="module")
def url(stack):
    return stack.env["RR_GATEWAY_URL"]


@pytest.fixture(scope="module")
def gateway(url):
    return Service(url)


@pytest.fixture(scope="module")
def echoes(stack, tmp_path_factory):
    """A gateway with services behind it that show what they were sent."""
    folder = tmp_path_factory.mktemp("echoes")
    with (
        Echo("command") as command,
        Echo("query") as query,
        Gateway(
            stack, folder, RR_GATEWAY_COMMAND=command.address, RR_GATEWAY_QUERY=query.address,
            RR_GATEWAY_RATE="1000r/s", RR_GATEWAY_WRITE_RATE="1000r/s",
        ) as gateway,
    ):  # fmt: skip
        gateway.command, gateway.query = command, query
        yield gateway


def calls_of(service) -> set[tuple[str, str]]:
    """(method, path) of every call that a service describes, with something in the place of arguments."""
    document = service.get("/openapi.json", expect=200)
    return {
        (method.upper(), re.sub(r"{\w+}", "1", path))
        for path, methods in document["paths"].items()
        for method in methods
        if path.startswith("/v1/")
    }


# ---- which service answers ----


def test_each_call_goes_to_the_service_that_has_it(echoes, command, query):
    of_command, of_query = calls_of(command), calls_of(query)
    assert len(of_command) >= 7 and len(of_query) >= 15
    for method, path in of_command | of_query:
        body = {} if method in ("POST", "PATCH") else None
        owner = "query" if (method, path) in of_query else "command"
        assert echoes.client.call(method, path, body, expect=200)["service"] == owner, (method, path)


@pytest.mark.parametrize("asked", ["no-cache", "max-age=0, no-cache", "No-Cache,max-age=0"])
def test_no_cache_asks_the_truth_where_it_can_be_asked(echoes, command, query, asked):
    of_command = calls_of(command)
    both = {call for call in calls_of(query) if call in of_command}
    assert ("GET", "/v1/reservations/1") in both
    for method, path in calls_of(query):
        expected = "command" if (method, path) in both else "query"
        answer = echoes.client.call(method, path, headers={"Cache-Control": asked}, expect=200)
        assert answer["service"] == expected, (method, path)


@pytest.mark.parametrize("asked", ["max-age=0", "no-cachet", "only-no-cache-x", "no-store"])
def test_nothing_else_asks_the_truth(echoes, asked):
    answer = echoes.client.get("/v1/reservations/1", headers={"Cache-Control": asked}, expect=200)
    assert answer["service"] == "query"


def test_a_path_of_both_allows_the_methods_of_both(gateway, command, query):
    def methods(answer) -> set[str]:
        named = re.split(r",\s*", answer.headers["Allow"])
        assert len(set(named)) == len(named), named
        return set(named)

    knows = {service: {path for _, path in calls_of(service)} for service in (command, query)}
    assert len(knows[command] & knows[query]) >= 3
    for path in knows[command] | knows[query]:
        owners = [service for service in knows if path in knows[service]]
        every = set().union(*(methods(service.call("OPTIONS", path, expect=204)) for service in owners))
        assert methods(gateway.call("OPTIONS", path, expect=204)) == every, path
        assert methods(gateway.call("PUT", path, expect=405, code="method-not-allowed")) == every, path


def test_what_a_client_sends_arrives(echoes):
    headers = {
        "X-Request-Id": "mine-1",
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "Authorization": "Bearer t",
        "Idempotency-Key": '"k"',
        "Consistency-Token": "abc",
        "Under_score": "dropped",
    }
    got = echoes.client.call("POST", "/v1/rooms?a=%2F&b=1", {"name": "ü"}, headers=headers, expect=200)
    assert got["path"] == "/v1/rooms?a=%2F&b=1"
    assert json.loads(got["body"]) == {"name": "ü"}
    for name, value in headers.items():
        assert got["headers"].get(name.lower()) == (None if "_" in name else value), name
    assert got.headers["X-Request-Id"] == "mine-1"


@pytest.mark.parametrize("bad", ["a b", "x" * 65, "a;b"])
def test_a_request_id_that_is_none_is_replaced_for_all(echoes, bad):
    got = echoes.client.get("/v1/rooms", headers={"X-Request-Id": bad}, expect=200)
    assert re.fullmatch(r"[0-9a-f]{32}", got["headers"]["x-request-id"])
    assert got.headers["X-Request-Id"] == got["headers"]["x-request-id"]


def test_connections_to_the_services_are_used_again(echoes):
    for _ in range(5):
        got = echoes.client.get("/v1/rooms", expect=200)
        assert got["headers"].get("connection") is None


# ---- the story through one origin ----


def test_a_booking_is_made_read_changed_and_cancelled_through_one_origin(url, user):
    command, query = Command(url), Query(url)
    room = command.create_room(location="top")
    booked = command.reserve(room, on(3, "10:00"), on(3, "11:00"), user)
    shown = query.reservation(booked, token=booked.token)
    assert shown["room_location"] == "top" and shown.etag == booked.etag
    truth = command.get(f"/v1/reservations/{booked['id']}", headers={"Cache-Control": "no-cache"}, expect=200)
    assert "room_location" not in truth.json and "Projection-As-Of" not in truth.headers
    changed = command.change(booked, title="new")
    command.change(booked, title="late", expect=412, code="version-stale")
    cancelled = command.cancel(changed, "ill")
    kinds = [item["kind"] for item in query.history(user, token=cancelled.token)["items"]]
    assert kinds == ["cancelled", "changed", "created"]


def test_events_come_through_at_once(url, command, room, user):
    with Stream(url, room_id=room["id"]) as stream:
        booked = command.reserve(room, on(3, "10:00"), on(3, "11:00"), user)
        assert stream.wait_for(1)[0].data["reservation_id"] == booked["id"]
        assert not stream.ended


def test_a_calendar_link_leads_through_the_gateway_and_into_no_log(stack, url, gateway, query, user):
    link = query.read(f"/v1/users/{user}/calendar-link")["url"]
    assert link.startswith(f"{url}/v1/calendars/")
    answer = gateway.get(urlsplit(link).path, expect=200)
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    log = stack.server("gateway").log
    request = f"req={answer.headers['X-Request-Id']}"
    (line,) = eventually(lambda: [line for line in log.read_text().splitlines() if request in line])
    assert "/v1/calendars/-" in line and link.rsplit("/", 1)[1] not in line


def test_a_calendar_link_that_cannot_be_served_gets_into_no_log(stack, tmp_path):
    with Broken(silent=True) as silent, Broken() as broken:
        for n, away in enumerate((f"127.0.0.1:{free_port()}", broken.address, silent.address), 1):
            with Gateway(stack, tmp_path, RR_GATEWAY_QUERY=away, RR_GATEWAY_READ_TIMEOUT="1s") as gateway:
                for method in ("GET", "DELETE"):
                    assert gateway.client.call(method, "/v1/calendars/c2VjcmV0").status in (502, 504)
                assert gateway.client.get("/v1/rooms").status in (502, 504)
                gateway.client.call("POST", "/v1/calendars/c2VjcmV0", data=b"a" * 20000, expect=413)
                log = gateway.log
                eventually(lambda log=log, n=n: log.read_text().count('"/v1/calendars/-"') == 3 * n)
    errors = [line for line in log.read_text().splitlines() if "[error]" in line]
    assert len(errors) >= 3 and all("/v1/rooms" in line for line in errors)
    assert "c2VjcmV0" not in log.read_text()


def test_both_documents_are_there(gateway, command, query):
    assert gateway.get("/command/openapi.json", expect=200).json == command.get("/openapi.json").json
    assert gateway.get("/query/openapi.json", expect=200).json == query.get("/openapi.json").json


@pytest.mark.parametrize(
    "path", ["/metrics", "/openapi.json", "/command/metrics", "/query/readyz", "/readyz/command"]
)
def test_what_is_for_operators_is_not_to_be_had(gateway, path):
    gateway.get(path, expect=404, code="not-found")


def test_the_page_is_there_and_may_load_nothing_from_elsewhere(gateway):
    page = gateway.get("/", expect=200)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Cache-Control"] == "no-cache"
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    gateway.get("/", headers={"If-None-Match": page.headers["ETag"]}, expect=304)
    assert gateway.call("POST", "/", {}, expect=405).headers["Allow"] == "GET, HEAD"


def test_every_answer_has_the_headers_that_browsers_heed(gateway):
    for path in ("/", "/livez", "/v1/rooms", "/nothing"):
        headers = gateway.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "Content-Security-Policy" in headers
        assert not re.search(r"\d", headers.get("Server", ""))
        assert "Strict-Transport-Security" not in headers


# ---- when a service is not well ----


def test_a_service_that_is_down_is_502_and_the_other_one_goes_on(stack, tmp_path):
    with Gateway(stack, tmp_path, RR_GATEWAY_COMMAND=f"127.0.0.1:{free_port()}") as gateway:
        answer = gateway.client.call("POST", "/v1/rooms", {}, expect=502, code="service-unreachable")
        assert int(answer.headers["Retry-After"]) >= 1
        gateway.client.get("/v1/rooms", expect=200)
        gateway.client.get("/livez", expect=200)
        gateway.client.get("/readyz", expect=503, code="not-ready")
    with Gateway(stack, tmp_path, RR_GATEWAY_QUERY=f"127.0.0.1:{free_port()}") as gateway:
        gateway.client.get("/readyz", expect=503, code="not-ready")


def test_the_gateway_is_ready_when_both_services_are(gateway):
    gateway.get("/readyz", expect=200)


def test_health_may_be_asked_for_by_any_name_and_nothing_else(stack, tmp_path):
    """Balancers know an address, and health checks of containers localhost."""
    with Gateway(stack, tmp_path, RR_GATEWAY_HOSTS=r"rooms\.example\.org") as gateway:
        for host in ("localhost", "10.0.0.7:8000", "rooms.example.org"):
            for path in ("/livez", "/readyz"):
                gateway.client.get(path, headers={"Host": host}, expect=200)
        gateway.client.get("/v1/rooms", headers={"Host": "rooms.example.org"}, expect=200)
        gateway.client.get("/v1/rooms", headers={"Host": "localhost"}, expect=421, code="host-unknown")
        gateway.client.get("/livezz", headers={"Host": "localhost"}, expect=421, code="host-unknown")
        gateway.client.get("/readyz/command", headers={"Host": "localhost"}, expect=404, code="not-found")


def test_a_service_that_says_nothing_is_504(stack, tmp_path):
    with (
        Broken(silent=True) as silent,
        Gateway(stack, tmp_path, RR_GATEWAY_QUERY=silent.address, RR_GATEWAY_READ_TIMEOUT="1s") as gateway,
    ):
        answer = gateway.client.get("/v1/rooms", expect=504, code="service-timeout")
        assert int(answer.headers["Retry-After"]) >= 1


def test_a_write_is_sent_once_and_a_read_is_tried_elsewhere(stack, tmp_path):
    with Broken() as broken, Echo("query") as well:
        both = f"{broken.address} max_fails=0; server {well.address} max_fails=0"
        with Gateway(stack, tmp_path, RR_GATEWAY_COMMAND=both, RR_GATEWAY_QUERY=both) as gateway:
            statuses = [gateway.client.call("POST", "/v1/rooms", {}).status for _ in range(6)]
            assert sorted(statuses) == [200, 200, 200, 502, 502, 502]
            assert len(broken.requests) == len(well.requests) == 3
            for _ in range(6):
                gateway.client.get("/v1/rooms", expect=200)
            assert len(broken.requests) > 3


@pytest.mark.parametrize("path", ["/v1/rooms", "/v1/events"])
def test_a_read_that_nobody_answers_begins_anew_once(stack, tmp_path, path):
    for hangs_up, status in ((1, 200), (2, 502)):
        with (
            Echo("query", hangs_up=hangs_up) as query,
            Gateway(stack, tmp_path, RR_GATEWAY_QUERY=query.address) as gateway,
        ):
            answer = gateway.client.get(path, expect=status)
            assert query.begun == 2
            assert status == 200 or int(answer.headers["Retry-After"]) >= 1


def test_a_write_that_nobody_answers_does_not_begin_anew(stack, tmp_path):
    with (
        Echo("command", hangs_up=1) as command,
        Gateway(stack, tmp_path, RR_GATEWAY_COMMAND=command.address) as gateway,
    ):
        gateway.client.call("POST", "/v1/rooms", {}, expect=502, code="service-unreachable")
        assert command.begun == 1


# ---- limits ----


def test_too_many_requests_from_an_address_are_429_until_later(stack, tmp_path):
    with Gateway(stack, tmp_path, RR_GATEWAY_RATE="1r/s", RR_GATEWAY_BURST="3") as gateway:
        answers = [gateway.client.get("/v1/rooms") for _ in range(12)]
        refused = [answer for answer in answers if answer.status != 200]
        assert 1 <= len(refused) <= 8
        assert {(answer.status, answer["code"]) for answer in refused} == {(429, "rate-limited")}
        assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)
        gateway.client.get("/livez", expect=200)
        eventually(lambda: gateway.client.get("/v1/rooms").status == 200)


def test_each_page_of_the_gateways_own_has_the_limits_and_their_problem(stack, tmp_path):
    with Gateway(stack, tmp_path, RR_GATEWAY_RATE="1r/m", RR_GATEWAY_BURST="1") as gateway:
        answers = [gateway.client.get("/readyz") for _ in range(3)]
        assert [answer.status for answer in answers[:2]] == [200, 200]
        assert (answers[2].status, answers[2]["code"]) == (429, "rate-limited")


def test_headers_that_the_gateway_takes_are_no_more_than_a_service_takes(gateway):
    """Else the service's HTTP library would answer, in HTML."""
    for size in (9000, 10000, 11000, 11500, 12000, 14000, 16000):
        headers = {f"X-{n}": "a" * (size // 12) for n in range(12)}
        answer = gateway.get("/v1/rooms", headers=headers)
        assert answer.status == 200 or (answer.status, answer["code"]) == (431, "header-too-large"), size
    assert answer.status == 431


def test_writes_have_a_limit_of_their_own(stack, tmp_path):
    with Gateway(stack, tmp_path, RR_GATEWAY_WRITE_RATE="1r/m", RR_GATEWAY_WRITE_BURST="1") as gateway:
        codes = [
            gateway.client.call(method, "/v1/rooms", {})["code"] for method in ("POST", "PATCH", "DELETE", "POST")
        ]
        assert codes[2:] == ["rate-limited", "rate-limited"] and "rate-limited" not in codes[:2]
        for _ in range(5):
            gateway.client.get("/v1/rooms", expect=200)


def test_addresses_are_limited_apart_and_an_ipv6_network_as_one(stack, tmp_path):
    settings = {"RR_GATEWAY_RATE": "1r/m", "RR_GATEWAY_BURST": "1", "RR_GATEWAY_TRUSTED_PROXY": "127.0.0.1"}

    def statuses(*addresses: str) -> list[int]:
        headers = [{"X-Forwarded-For": address} for address in addresses]
        return [gateway.client.get("/v1/rooms", headers=each).status for each in headers]

    with Gateway(stack, tmp_path, **settings) as gateway:
        assert statuses("192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2") == [200, 200, 429, 200]
        assert statuses("2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1") == [200, 200, 429, 200]


def test_nobody_chooses_his_own_address(stack, tmp_path):
    with Gateway(stack, tmp_path, RR_GATEWAY_RATE="1r/m", RR_GATEWAY_BURST="1") as gateway:
        headers = [{"X-Forwarded-For": f"192.0.2.{n}"} for n in range(3)]
        assert [gateway.client.get("/v1/rooms", headers=each).status for each in headers] == [200, 200, 429]


def test_requests_at_once_from_an_address_are_limited(stack, tmp_path):
    with Gateway(stack, tmp_path, RR_GATEWAY_CONNECTIONS="2") as gateway:
        with Stream(gateway.url), Stream(gateway.url):
            gateway.client.get("/v1/rooms", expect=429, code="rate-limited")
        eventually(lambda: gateway.client.get("/v1/rooms").status == 200)


def test_a_body_may_be_as_large_as_the_services_take(gateway, echoes):
    headers = {"Content-Type": "application/json"}
    at_most = b'"' + b"a" * (16 * 1024 - 2) + b'"'
    assert len(echoes.client.call("POST", "/v1/rooms", data=at_most, headers=headers)["body"]) == 16 * 1024
    for service in (gateway, echoes.client):
        service.call("POST", "/v1/rooms", data=at_most + b" ", headers=headers, expect=413, code="body-too-large")
        pieces = iter([at_most, b" "])
        service.call("POST", "/v1/rooms", data=pieces, headers=headers, expect=413, code="body-too-large")


def test_a_bearer_token_may_be_as_long_as_the_services_take(echoes):
    token = "Bearer " + "a" * 8192
    assert echoes.client.get("/v1/rooms", headers={"Authorization": token})["headers"]["authorization"] == token


# ---- the files ----


def test_the_gateways_problems_are_those_of_the_manual():
    manual = (REPO / "docs/api.md").read_text()
    rows = set(re.findall(r"^\| `([a-z-]+)` \| (\d{3}) \| (.+) \|$", manual, re.MULTILINE))
    text = (FOLDER / "templates/problems.conf.template").read_text()
    made = re.findall(r"^ +(\d{3}|default) '(.+)';$", text, re.MULTILINE)
    assert len(made) >= 10
    for key, members in made:
        problem = json.loads(f"{{{members}}}")
        assert key in ("default", str(problem["status"]))
        assert problem["type"] == f"/problems/{problem['code']}"
        assert (problem["code"], str(problem["status"]), problem["title"]) in rows


def test_every_setting_is_used_and_has_a_default():
    templates = "".join(path.read_text() for path in FOLDER.glob("templates/*"))
    used = set(re.findall(r"\$\{(RR_GATEWAY_\w+)\}", templates))
    assert used == defaults().keys()
