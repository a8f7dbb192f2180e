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
    "test_40_statistics.py",
)
# Those that read from command-svc itself, which the gateway asks only on request, or that start programs of their own.
BESIDE_THE_GATEWAY = (
    "test_a_new_room_comes_back_as_it_was_made",
    "test_a_booking_comes_back_as_it_was_made",
    "test_a_booking_cannot_be_moved_onto_another",
    "test_expired_keys_are_removed_in_batches_that_lock_nobody_out",
)


def test_rules_of_the_api_hold_in_containers(project, tmp_path):
    env = tmp_path / "env"
    env.touch(0o600)
    env.write_text("".join(f"export {name}={shlex.quote(value)}\n" for name, value in project.env.items()))
    report = REPO / ".test/compose-e2e.xml"
    report.unlink(missing_ok=True)
    files = [f"tests/e2e/{file}" for file in FILES]
    chosen = f"not ({' or '.join(BESIDE_THE_GATEWAY)})"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", "tests/pytest.ini", f"--junit-xml={report}", "-k", chosen, *files],
        cwd=REPO, env=os.environ | {"RR_TEST_ENV": str(env)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-8000:]
    assert len(list(xml.parse(report).iter("testcase"))) > 80
