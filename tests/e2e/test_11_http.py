"""What every call of both services keeps, whatever it is about."""

import http.client
import json
import re

import pytest
from support.times import on


@pytest.fixture(params=["command", "query"])
def service(request):
    return request.getfixturevalue(request.param)


def test_an_unknown_path_is_not_found(service):
    service.get("/v1/nothing", expect=404, code="not-found")
    service.get("/v1/rooms/", expect=404, code="not-found")


def test_a_wrong_method_is_told_the_right_ones(service):
    answer = service.call("DELETE", "/v1/rooms/1", expect=405, code="method-not-allowed")
    assert "GET" in answer.headers["Allow"]


def test_options_tells_the_methods(service):
    answer = service.call("OPTIONS", "/v1/rooms/1", expect=204)
    assert {"GET", "HEAD", "OPTIONS"} <= set(re.split(r",\s*", answer.headers["Allow"]))


def test_head_is_get_without_the_body(command, query, room):
    for service in (command, query):
        got = service.get(
            f"/v1/rooms/{room['id']}", expect=200, headers={"Consistency-Token": room.token, "Prefer": "wait=10"}
        )
        head = service.call("HEAD", f"/v1/rooms/{room['id']}", expect=200)
        assert head.text == ""
        assert head.headers["Content-Length"] == str(len(got.text.encode()))


def ask_with_lines(service, method, path, lines, body=None):
    """requests would send one line a name."""
    connection = http.client.HTTPConnection(service.url.removeprefix("http://"), timeout=30)
    connection.putrequest(method, path)
    for name, value in lines:
        connection.putheader(name, value)
    content = json.dumps(body).encode() if body else b""
    connection.putheader("Content-Length", str(len(content)))
    connection.putheader("Content-Type", "application/json")
    connection.endheaders(content)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, answer.headers, json.loads(text) if text else None


def test_the_lines_of_a_list_count_as_one(command, query, room):
    path = f"/v1/rooms/{room['id']}"
    some, match = ("If-Match", '"77"'), ("If-Match", f'"{room["version"]}"')
    prefer = [("Prefer", "respond-async"), ("Prefer", "return=minimal")]
    status, headers, _ = ask_with_lines(command, "PATCH", path, [some, match, *prefer], {"capacity": 9})
    assert (status, headers["Preference-Applied"]) == (200, "return=minimal")
    token = ("Consistency-Token", headers["Consistency-Token"])
    waits = [("Prefer", "respond-async"), ("Prefer", "wait=3")]
    status, headers, shown = ask_with_lines(query, "GET", path, [token, token, *waits])
    assert (status, headers["Preference-Applied"], shown["capacity"]) == (200, "wait=3", 9)
    status, _, problem = ask_with_lines(query, "GET", path, [token, ("Consistency-Token", "broken")])
    assert (status, problem["code"]) == (400, "consistency-token-invalid")
    for service in (command, query):
        known = [("If-None-Match", '"77"'), ("If-None-Match", headers["ETag"])]
        assert ask_with_lines(service, "GET", path, known)[0] == 304


def test_two_idempotency_keys_are_refused(command):
    lines = [("Idempotency-Key", "one"), ("Idempotency-Key", "two")]
    status, _, problem = ask_with_lines(command, "POST", "/v1/rooms", lines, {"name": "x", "capacity": 1})
    assert (status, problem["code"]) == (400, "idempotency-key-invalid")


def test_the_request_id_of_the_client_is_kept(service):
    answer = service.get("/v1/nothing", headers={"X-Request-Id": "my-id_1.2"}, expect=404)
    assert answer.headers["X-Request-Id"] == answer["request_id"] == "my-id_1.2"


@pytest.mark.parametrize("bad", ["a b", "ü".encode(), "x" * 65, "a;b"])
def test_a_request_id_that_is_none_is_replaced(service, bad):
    answer = service.get("/livez", headers={"X-Request-Id": bad})
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", answer.headers["X-Request-Id"])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b'{"name": "a", "name": "b", "capacity": 1}',
        b'{"name": "\xff", "capacity": 1}',
    ],
)
def test_a_body_that_is_not_one_json_object_is_refused(command, body):
    command.call(
        "POST",
        "/v1/rooms",
        data=body,
        headers={"Content-Type": "application/json"},
        expect=400,
        code="json-invalid",
    )


def test_a_body_of_another_type_is_refused(command):
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        headers = {"Content-Type": kind}
        command.call("POST", "/v1/rooms", data=b"{}", headers=headers, expect=415, code="unsupported-media-type")


def test_a_body_with_a_charset_is_taken(command):
    body = json.dumps({"name": f"charset {on(1, '10:00')}", "capacity": 1}).encode()
    headers = {"Content-Type": "application/json; charset=utf-8", "Idempotency-Key": "charset"}
    command.call("POST", "/v1/rooms", data=body, headers=headers, expect=201)


def test_a_large_body_is_refused(command):
    body = b'{"name": "' + b"x" * 20000 + b'"}'
    command.call(
        "POST",
        "/v1/rooms",
        data=body,
        headers={"Content-Type": "application/json"},
        expect=413,
        code="body-too-large",
    )


def test_an_unknown_field_is_named(command, room):
    answer = command.reserve(room, on(2, "10:00"), on(2, "11:00"), colour="red", expect=400, code="json-invalid")
    assert answer.bad_names == {"colour"}


def test_every_bad_field_is_named(command):
    answer = command.call("POST", "/v1/rooms", {"name": "", "capacity": 0}, expect=422, code="rule-broken")
    assert answer.bad_names == {"name", "capacity"}


def test_a_missing_field_is_named(command):
    answer = command.call("POST", "/v1/rooms", {"name": "a"}, expect=400, code="json-invalid")
    assert answer.bad_names == {"capacity"}


def test_an_unknown_query_parameter_is_named(query):
    answer = query.rooms(colour="red", expect=400, code="parameter-invalid")
    assert answer.bad_names == {"colour"}


def test_a_query_parameter_that_comes_twice_is_refused(query):
    query.get("/v1/rooms?limit=1&limit=2", expect=400, code="parameter-invalid")


@pytest.mark.parametrize("limit", ["0", "201", "-1", "x", ""])
def test_a_limit_out_of_range_is_refused(query, limit):
    answer = query.get("/v1/rooms", params={"limit": limit}, expect=400, code="parameter-invalid")
    assert answer.bad_names == {"limit"}


@pytest.mark.parametrize("identifier", ["0", "abc", "-1", "99999999999999999999999", "1.0", "%00"])
def test_an_identifier_that_is_none_is_no_server_error(service, identifier):
    assert service.get(f"/v1/rooms/{identifier}").status in (400, 404)


def test_the_trace_of_the_client_is_in_the_journal(command, mysql, room):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    booked = command.reserve(room, on(2, "10:00"), on(2, "11:00"), headers=headers)
    with mysql.cursor() as cursor:
        cursor.execute(
            "SELECT trace_id FROM reservation_event WHERE reservation_id = UUID_TO_BIN(%s)", (booked["id"],)
        )
        assert cursor.fetchall() == ((trace,),)
