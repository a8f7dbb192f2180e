"""/openapi.json tells the truth: it names the calls that there are, and Schemathesis finds no answer that it does not describe."""

import re
import subprocess
import sys

import pytest
from stacklib.stack import REPO
from support.programs import Program
from support.tokens import Signer

SETTINGS = REPO / "tests/contract/schemathesis.toml"
SECONDS = 45


@pytest.fixture(scope="module")
def document(command):
    answer = command.get("/openapi.json", expect=200)
    assert answer["openapi"].startswith("3.1")
    return answer.json


def calls(document) -> set[tuple[str, str]]:
    return {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}


def test_the_methods_of_each_path_are_those_that_the_service_takes(command, document):
    for path, methods in document["paths"].items():
        answer = command.call("OPTIONS", path.replace("{id}", "1"), expect=204)
        allowed = set(re.split(r",\s*", answer.headers["Allow"])) - {"HEAD", "OPTIONS"}
        assert allowed == {method.upper() for method in methods}, path


def test_every_call_of_the_manual_is_described_and_no_other(document):
    text = (REPO / "docs/api.md").read_text()
    commands = text[text.index("\n## Commands") : text.index("\n## Queries")]
    headings = [line for line in commands.splitlines() if line.startswith("### ")]
    manual = {call for line in headings for call in re.findall(r"(GET|POST|PATCH|DELETE) (/\S+)", line)}
    assert calls(document) - {("GET", "/readyz")} == manual


def test_the_fields_of_a_body_are_those_that_are_checked(command, document):
    """Whatever is described as required is asked for, and nothing else is."""
    for path, methods in document["paths"].items():
        body = methods.get("post", {}).get("requestBody")
        if not body or "{id}" in path:
            continue
        schema = body["content"]["application/json"]["schema"]
        answer = command.call("POST", path, {"surprise": 1}, expect=400, code="json-invalid")
        assert answer.bad_names == {"surprise", *schema["required"]}, path
        nothing = {name: None for name in schema["properties"]}
        nullable = {name for name, of in schema["properties"].items() if "null" in of["type"]}
        assert command.call("POST", path, nothing, expect=400).bad_names == set(nothing) - nullable, path


def test_schemathesis_finds_nothing(stack, tmp_path):
    signer = Signer(tmp_path / "keys")
    with Program(stack, "command-svc", tmp_path, **signer.settings) as program:
        command = [
            sys.executable,
            "-m",
            "schemathesis.cli",
            "--config-file",
            str(SETTINGS),
            "run",
            "--checks",
            "all",
        ]
        command += ["--max-time", str(SECONDS), "--seed", "1", "--no-shrink", "--continue-on-failure"]
        command += ["--header", f"Authorization: {signer.headers('schemathesis', admin=True)['Authorization']}"]
        ended = subprocess.run(
            [*command, f"{program.client.url}/openapi.json"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=SECONDS * 4,
        )
    assert ended.returncode == 0, ended.stdout[-8000:] + ended.stderr[-2000:]
