"""The main calls as anyone would type them: each curl command, and what it really answers."""

import json
import subprocess
from datetime import datetime, timedelta, timezone

from . import demo
from .errors import StackError

USER = "ann"
OTHER_USER = "ben"
DAYS_TO_TRY = 14


def show(stack) -> None:
    """Shows a booking, its conflict, a change and a cancellation, and what the read side says of them."""
    tour = _Tour(stack)
    room = tour.first_room()
    made = tour.book(room)
    reservation = f"{stack.command_svc.url}/v1/reservations/{made['id']}"

    later = _hours_later(made["starts_at"], 0.5)
    tour.call(
        f"Half an hour later is better. If-Match says which version {USER} has seen.",
        f"curl -s -X PATCH {reservation} \\\n"
        "  -H 'Content-Type: application/json' -H 'If-Match: \"1\"' \\\n"
        f"""  -d '{{"starts_at": "{later}", "ends_at": "{_hours_later(made["ends_at"], 0.5)}"}}'""",
    )
    headers, _ = tour.call(
        "Then it is not needed after all.",
        f"curl -s -i -X POST {reservation}/cancellation \\\n"
        "  -H 'Content-Type: application/json' -d '{\"reason\": \"moved online\"}'",
    )
    tour.call(
        f"{USER}'s history, from the read side. The token makes sure that it has the last write.",
        f"curl -s '{stack.query_svc.url}/v1/users/{USER}/reservation-history?limit=3' \\\n"
        f"  -H 'Consistency-Token: {headers['consistency-token']}'",
    )
    first = demo.first_day(stack) or datetime.now(timezone.utc)
    span = f"from={first:%Y-%m-%d}T00:00:00Z&to={first + timedelta(weeks=demo.WEEKS):%Y-%m-%d}T00:00:00Z"
    tour.call(
        "The most popular rooms of these weeks.",
        f"curl -s '{stack.query_svc.url}/v1/rooms/popular?{span}&limit=3'",
    )
    tour.call(
        "The busiest weekday (1 is Monday) and hour.",
        f"curl -s '{stack.query_svc.url}/v1/statistics/busy-hours?{span}&tz=UTC' | grep -o '\"busiest.*'",
    )


class _Tour:
    def __init__(self, stack):
        self.stack = stack

    def first_room(self) -> int:
        _, body = self._run(f"curl -s '{self.stack.query_svc.url}/v1/rooms?limit=1'")
        items = json.loads(body).get("items")
        if not items:
            raise StackError(f"tour: there is no room yet (scripts/stack demo): {body}", self.stack.query_svc.log)
        return items[0]["id"]

    def book(self, room: int) -> dict:
        """Books the first morning that is free: earlier than the demo's bookings, so nearly always tomorrow."""
        for day in range(1, DAYS_TO_TRY + 1):
            date = datetime.now(timezone.utc) + timedelta(days=day)
            command = self._booking(room, USER, date, 6, 7)
            headers, body = self._run(command)
            if " 201 " in headers["status"]:
                self._print(f"{USER} books a room.", command, headers["raw"] + body)
                self.call("The same room, at an overlapping time.", self._booking(room, OTHER_USER, date, 6.5, 7.5))
                return json.loads(body)
            if " 409 " not in headers["status"]:
                break
        raise StackError(f"tour: no booking was possible: {body}", self.stack.command_svc.log)

    def call(self, text: str, command: str) -> tuple[dict, str]:
        headers, body = self._run(command)
        self._print(text, command, headers["raw"] + body)
        return headers, body

    def _booking(self, room: int, user: str, date: datetime, start: float, end: float) -> str:
        midnight = f"{date:%Y-%m-%d}T00:00:00Z"
        return (
            f"curl -s -i {self.stack.command_svc.url}/v1/reservations -H 'Content-Type: application/json' \\\n"
            f"""  -d '{{"room_id": {room}, "user_id": "{user}", "title": "Planning",\n"""
            f"""       "starts_at": "{_hours_later(midnight, start)}", "ends_at": "{_hours_later(midnight, end)}"}}'"""
        )

    def _run(self, command: str) -> tuple[dict, str]:
        """(headers by lower-case name, with "status" and "raw"; body). Without -i there are no headers."""
        done = subprocess.run(["bash", "-c", f"set -o pipefail\n{command}"], capture_output=True, text=True)
        if done.returncode != 0:
            raise StackError(f"tour: this failed with exit status {done.returncode}:\n{command}\n{done.stdout}")
        output = done.stdout.replace("\r\n", "\n")
        if not output.startswith("HTTP/"):
            return {"status": "", "raw": ""}, output
        raw, body = output.split("\n\n", 1)
        lines = raw.splitlines()
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines[1:])}
        return headers | {"status": lines[0] + " ", "raw": raw + "\n\n"}, body

    def _print(self, text: str, command: str, output: str) -> None:
        print(f"\n# {text}\n$ {command}\n{output.rstrip()}", flush=True)


def _hours_later(text: str, hours: float) -> str:
    instant = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ") + timedelta(hours=hours)
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
