"""One random password an account, each in a file that only the servers' user and root can read."""

import secrets
import threading
from pathlib import Path

from . import account


class Passwords:
    """Files in `folder`. They are made once and stay until the stack is wiped: the data folders know them."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._lock = threading.Lock()

    def file(self, name: str) -> Path:
        """The file with the password of `name`, made if it is missing."""
        path = self.folder / name
        with self._lock:
            if not path.exists():
                self.put(name, secrets.token_hex(16))
        return path

    def get(self, name: str) -> str:
        return self.file(name).read_text().strip()

    def put(self, name: str, text: str) -> Path:
        """Writes `text` to the file `name`, never readable by others, not even for a moment."""
        account.folder(self.folder, 0o700)
        path = self.folder / name
        partial = self.folder / f".{name}"
        partial.touch(mode=0o600)
        partial.write_text(text + "\n")
        account.own(partial, 0o600)
        partial.rename(path)
        return path
