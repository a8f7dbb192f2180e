"""/openapi.json tells the truth: it names the calls that there are, and Schemathesis finds no answer that it does not describe."""

import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from stacklib.stack import REPO
from support.api import unique
from support.programs import Program
from support.tokens import Signer

FOLDER = REPO / "tests/contract"
SECONDS = 45
QUERY_SECONDS = 30
# Where the manual has each service's calls.
SECTIONS = {"command": ("\n## Commands", "\n## Queries"), "query": ("\n## Queries", "\n## Health and metrics")}


def document_of(service):
    answer = service.get("/openapi.json", expect=200)
    assert answer["openapi"].startswith("3.1")
    return answer.json


def calls(document) -> set[tuple[str, str]]:
    return {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}


def some(path: str) -> str:
    """The path with something in its place for an argument."""
    return re.sub(r"{\w+}", "1", path)


def queries(operation) -> dict[str, dict]:
    return {parameter["name"]: parameter for parameter in operation["parameters"] if parameter["in"] == "query"}


def manual_of(name: str) -> dict[tuple[str, str], set[str]]:
    """The calls of the manual's headings, each with the query parameters named there. A heading's methods hold for all
    paths that follow, up to the next method."""
    text = (REPO / "docs/api.md").read_text()
    begin, end = (text.index(mark) for mark in SECTIONS[name])
    found = {}
    for line in text[begin:end].splitlines():
        if not line.startswith("### "):
            continue
        methods, was_path = [], False
        for word in re.findall(r"\b(?:GET|POST|PATCH|DELETE)\b|/v1/\S+", line):
            if not word.startswith("/"):
                methods = [word] if was_path else [*methods, word]
                was_path = False
                continue
            path, _, parameters = word.partition("?")
            found |= {(method, path): set(parameters.split("&")) - {""} for method in methods}
            was_path = True
    return found


@pytest.fixture(params=SECTIONS)
def name(request) -> str:
    return request.param


@pytest.fixture
def service(name, request):
    return request.getfixturevalue(name)


@pytest.fixture
def document(service):
    return document_of(service)


def test_the_methods_of_each_path_are_those_that_the_service_takes(service, document):
    for path, methods in document["paths"].items():
        answer = service.call("OPTIONS", some(path), expect=204)
        allowed = set(re.split(r",\s*", answer.headers["Allow"])) - {"HEAD", "OPTIONS"}
        assert allowed == {method.upper() for method in methods}, path


def test_every_call_of_the_manual_is_described_and_no_other(name, document):
    assert calls(document) - {("GET", "/readyz")} == set(manual_of(name))


def test_the_query_parameters_of_a_call_are_those_of_the_manual(name, document):
    """limit and cursor are told there once for all lists."""
    for (method, path), manual in manual_of(name).items():
        described = queries(document["paths"][path][method.lower()])
        assert set(described) - {"limit", "cursor"} == manual, path


def test_the_query_parameters_of_a_call_are_those_that_are_checked(service, document):
    for path, methods in document["paths"].items():
        described = queries(methods["get"]) if "get" in methods else {}
        if not described:
            continue
        required = {parameter for parameter, of in described.items() if of["required"]}
        answer = service.get(some(path), params={"surprise": 1}, expect=400, code="parameter-invalid")
        assert answer.bad_names == {"surprise", *required}, path
        empty = service.get(some(path), params=dict.fromkeys(described, ""), expect=400, code="parameter-invalid")
        assert empty.bad_names == set(described), path


def test_the_fields_of_a_body_are_those_that_are_checked(command):
    """Whatever is described as required is asked for, and nothing else is."""
    for path, methods in document_of(command)["paths"].items():
        body = methods.get("post", {}).get("requestBody")
        if not body or "{id}" in path:
            continue
        schema = body["content"]["application/json"]["schema"]
        answer = command.call("POST", path, {"surprise": 1}, expect=400, code="json-invalid")
        assert answer.bad_names == {"surprise", *schema["required"]}, path
        nothing = {name: None for name in schema["properties"]}
        nullable = {name for name, of in schema["properties"].items() if "null" in of["type"]}
        assert command.call("POST", path, nothing, expect=400).bad_names == set(nothing) - nullable, path


def schemathesis(program, settings: str, seconds: int, signer: Signer, *options: str, **environment: str):
    """Runs with all checks for so long; the report is the failure's text."""
    command = [
        sys.executable,
        "-m",
        "schemathesis.cli",
        "--config-file",
        str(FOLDER / settings),
        "run",
        "--checks",
        "all",
    ]
    command += ["--max-time", str(seconds), "--seed", "1", "--no-shrink", "--continue-on-failure"]
    command += ["--header", f"Authorization: {signer.headers('schemathesis', admin=True)['Authorization']}"]
    ended = subprocess.run(
        [*command, *options, f"{program.client.url}/openapi.json"],
        cwd=program.log.parent,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=seconds * 4,
    )
    assert ended.returncode == 0, ended.stdout[-8000:] + ended.stderr[-2000:]


def test_schemathesis_finds_nothing(stack, tmp_path):
    signer = Signer(tmp_path / "keys")
    with Program(stack, "command-svc", tmp_path, **signer.settings) as program:
        schemathesis(program, "schemathesis.toml", SECONDS, signer)


def test_schemathesis_finds_nothing_in_queries(stack, command, query, tmp_path):
    """Event streams are left out: they have no end that could be waited for. So is the check that what was deleted is
    gone: calendar links alone are, and after a revocation the next GET gives a new one."""
    user, signer = unique("user"), Signer(tmp_path / "keys")
    begin = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
    end = begin + timedelta(hours=1)
    made = command.reserve(command.create_room(), begin.isoformat(), end.isoformat(), user=user)
    query.get("/v1/rooms", headers={"Consistency-Token": made.token, "Prefer": "wait=10"}, expect=200)
    with Program(stack, "query-svc", tmp_path, **signer.settings) as program:
        schemathesis(
            program,
            "schemathesis-query.toml",
            QUERY_SECONDS,
            signer,
            "--exclude-path",
            "/v1/events",
            "--exclude-checks",
            "use_after_free",
            CONTRACT_ROOM=str(made["room_id"]),
            CONTRACT_USER=user,
            CONTRACT_RESERVATION=made["id"],
            CONTRACT_TOKEN=made.token,
            CONTRACT_FROM=begin.isoformat(),
            CONTRACT_TO=(begin + timedelta(days=1)).isoformat(),
        )
