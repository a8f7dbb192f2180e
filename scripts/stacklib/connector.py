"""Debezium's connector: registered in the worker and seen running."""

import json
import time
import urllib.error
import urllib.request

from . import mysql
from .command import check_cancelled
from .errors import StackError
from .process import wait_until
from .server import direct, fill, http_get

NAME = "reservations"
START_SECONDS = 90


def configuration(stack) -> dict[str, str]:
    values = {
        "mysql_host": stack.mysql.host,
        "mysql_port": stack.mysql.port,
        "mysql_user": mysql.DEBEZIUM_USER,
        "secrets": stack.connect.secrets,
        "kafka_bootstrap": stack.kafka.bootstrap,
    }
    return json.loads(fill(stack.repo / "deploy/connector.json", values))


def call(stack, method: str, path: str, body: dict | None = None, name: str = NAME) -> None:
    """A call to the worker about a connector, again while it says that it is busy with a change (409) or still starting."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        check_cancelled()
        request = urllib.request.Request(
            f"{stack.connect.url}/connectors/{name}{path}",
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Content-Type": "application/json"},
        )
        try:
            with direct.open(request, timeout=30):
                return
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")
            if error.code not in (404, 409, 500, 503) or time.monotonic() > deadline:
                raise StackError(
                    f"connect refuses the connector: {error.code} {text}", stack.connect.log
                ) from None
        except OSError as error:
            if time.monotonic() > deadline:
                raise StackError(f"connect does not answer: {error}", stack.connect.log) from None
        time.sleep(0.1)


def states(stack) -> dict:
    """The worker's status of the connector: {} if there is none."""
    status, body = http_get(f"{stack.connect.url}/connectors/{NAME}/status", 5)
    return json.loads(body) if status == 200 else {}


def _parts(status: dict) -> list[dict]:
    return [part for part in [status.get("connector"), *status.get("tasks", [])] if part]


def running(status: dict) -> bool:
    """True if the connector and its one task run."""
    return len(_parts(status)) == 2 and all(part["state"] == "RUNNING" for part in _parts(status))


def ensure(stack) -> None:
    """Registers the connector, or brings it to its present configuration; one that failed is restarted once."""
    with stack.progress.step("connector") as step:
        wanted = configuration(stack)
        status, body = http_get(f"{stack.connect.url}/connectors/{NAME}/config", 5)
        present = json.loads(body) if status == 200 else {}
        if present != wanted | {"name": NAME}:
            call(stack, "PUT", "/config", wanted)
            step.done = "running"
        restarted = False
        deadline = time.monotonic() + START_SECONDS
        while not running(status := states(stack)):
            check_cancelled()
            step.done = "running"
            failed = [part for part in _parts(status) if part["state"] == "FAILED"]
            if failed and restarted:
                trace = failed[0].get("trace", "").strip().splitlines()[:12]
                raise StackError(
                    "the connector has failed:\n" + "\n".join(f"  | {line}" for line in trace), stack.connect.log
                )
            if failed:
                stack.progress.say("connector: had failed, is restarted")
                call(stack, "POST", "/restart?includeTasks=true&onlyFailed=true")
                restarted = True
                time.sleep(1)  # the worker shows the old state for a moment
            if time.monotonic() > deadline:
                raise StackError(
                    f"the connector does not run after {START_SECONDS} s: {status}", stack.connect.log
                )
            time.sleep(0.1)


def forget_offsets(stack) -> None:
    """Takes the connector's memory of what it has read; it takes a new snapshot. It has to be stopped for that."""
    call(stack, "PUT", "/stop")
    if not wait_until(lambda: [part["state"] for part in _parts(states(stack))] == ["STOPPED"], START_SECONDS):
        raise StackError(f"the connector does not stop: {states(stack)}", stack.connect.log)
    call(stack, "DELETE", "/offsets")
    call(stack, "PUT", "/resume")
    ensure(stack)
