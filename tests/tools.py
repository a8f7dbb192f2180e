#!/usr/bin/env python3
"""What scripts/test and scripts/check need beside bash.

tools.py install           installs what only the tests need: Debian packages, Python libraries
tools.py python            prints the path of the Python that has the tests' libraries
tools.py count REPORT…     prints "passed failed skipped", summed over JUnit reports of ctest and pytest
"""

import hashlib
import subprocess
import sys
import xml.etree.ElementTree as xml
from pathlib import Path

sys.dont_write_bytecode = True
REPO = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPO / "scripts"))

from stacklib import command, downloads, packages  # noqa: E402
from stacklib.cache import Cache  # noqa: E402
from stacklib.errors import StackError  # noqa: E402

REQUIREMENTS = REPO / "tests/requirements.txt"
# Debian's, which every machine of the project has at the same place; another Python of the user's stays his own.
PYTHON = "/usr/bin/python3"
LOGS = REPO / ".test/logs"


def environment() -> Path:
    """The virtual environment of the tests' libraries, made if it is not in the cache."""

    def build(folder: Path) -> None:
        LOGS.mkdir(parents=True, exist_ok=True)
        log = LOGS / "python-libraries.log"
        command.run([PYTHON, "-m", "venv", str(folder)], "making the tests' virtual environment", log)
        pip = [str(folder / "bin/python"), "-m", "pip", "--disable-pip-version-check", "install"]
        options = ["--quiet", "--root-user-action", "ignore", "--only-binary", ":all:"]
        command.run([*pip, *options, "--requirement", str(REQUIREMENTS)], "installing the tests' libraries", log)

    version = subprocess.run([PYTHON, "-V"], capture_output=True, text=True, check=True).stdout
    key = hashlib.sha256(REQUIREMENTS.read_bytes() + version.encode()).hexdigest()[:12]
    return Cache().entry(f"python-{key}", build)


def install() -> None:
    LOGS.mkdir(parents=True, exist_ok=True)
    packages.ensure(packages.BUILD + packages.TEST, LOGS / "packages.log")
    downloads.debian(Cache(), "prometheus", LOGS / "prometheus.log")
    environment()


def count(reports: list[str]) -> str:
    passed = failed = skipped = 0
    for report in reports:
        for case in xml.parse(report).iter("testcase"):
            if case.find("failure") is not None or case.find("error") is not None:
                failed += 1
            elif case.find("skipped") is not None:
                skipped += 1
            else:
                passed += 1
    return f"{passed} {failed} {skipped}"


def main(arguments: list[str]) -> int:
    match arguments:
        case ["install"]:
            install()
        case ["python"]:
            print(environment() / "bin/python")
        case ["count", *reports] if reports:
            print(count(reports))
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except StackError as error:
        sys.exit(f"tests: {error}")
