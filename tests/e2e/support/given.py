"""A deployment that somebody else runs: its addresses, in place of a stack."""

import shlex
from pathlib import Path
from types import SimpleNamespace


class Given:
    def __init__(self, file: Path):
        words = shlex.split(file.read_text())
        self.env = dict(word.split("=", 1) for word in words if "=" in word)
        self.command_svc = SimpleNamespace(url=self.env["RR_COMMAND_URL"])
        self.query_svc = SimpleNamespace(url=self.env["RR_QUERY_URL"])
