"""A part of the end-to-end tests, against the containers and through the gateway."""

import os
import shlex
import subprocess
import sys
import xml.etree.ElementTree as xml

from stacklib.stack import REPO

FILES = (
    "test_20_rooms.py",
    "test_21_reservations.py",
    "test_22_idempotency.py",
    "test_30_read_your_write.py",
    "test_31_history.py",
    "test_33_events.py",
    "test_40_statistics.py",
)


def test_rules_of_the_api_hold_in_containers(project, tmp_path):
    env = tmp_path / "env"
    env.touch(0o600)
    env.write_text("".join(f"export {name}={shlex.quote(value)}\n" for name, value in project.env.items()))
    report = REPO / ".test/compose-e2e.xml"
    report.unlink(missing_ok=True)
    files = [f"tests/e2e/{file}" for file in FILES]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", "tests/pytest.ini", f"--junit-xml={report}", *files],
        cwd=REPO, env=os.environ | {"RR_TEST_ENV": str(env)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-8000:]
    assert len(list(xml.parse(report).iter("testcase"))) > 80
