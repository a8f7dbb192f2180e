"""Files of settings: lines RR_NAME=value, which scripts/stack and docker-compose.yml take in the same sense."""

import re
from pathlib import Path

from .errors import StackError

# What Compose reads in a sense of its own has no place in a value.
_LINE = re.compile(r"(RR_\w+)=((?:[^\s\"'$#][^\"'$#]*)?)")


def read_settings(path: Path) -> dict[str, str]:
    """The settings that stand in a file; none if there is no such file."""
    settings = {}
    for number, line in enumerate(path.read_text().splitlines() if path.exists() else (), 1):
        if not line.strip() or line.startswith("#"):
            continue
        setting = _LINE.fullmatch(line.rstrip())
        if not setting:
            raise StackError(f"{path}, line {number}: expected RR_NAME=value, without quotes, $ or #")
        settings[setting[1]] = setting[2]
    return settings
