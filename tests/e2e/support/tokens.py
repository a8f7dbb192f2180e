"""Bearer tokens for the tests: HS256, made here and not by the programs' own code; or by scripts/token."""

import base64
import hashlib
import hmac
import json
import secrets
import subprocess
import sys
import time
from pathlib import Path

from stacklib.stack import REPO


def script(*arguments) -> str:
    """What scripts/token prints."""
    command = [sys.executable, str(REPO / "scripts/token"), *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Signer:
    """A key in a folder of its own, for RR_JWT_KEYS_DIR."""

    def __init__(self, folder: Path):
        self.folder = folder
        # As text: a newline at the end of random bytes would not count as part of the secret.
        self._secret = secrets.token_hex(32).encode()
        folder.mkdir()
        (folder / "test.HS256.key").write_bytes(self._secret)

    @property
    def settings(self) -> dict[str, str]:
        return {"RR_AUTH": "jwt", "RR_JWT_KEYS_DIR": str(self.folder)}

    def token(self, user: str, *, admin: bool = False, seconds: float = 600) -> str:
        head = {"alg": "HS256", "typ": "JWT", "kid": "test"}
        claims = {"sub": user, "exp": int(time.time() + seconds), "roles": ["admin"] if admin else []}
        signed = ".".join(_encoded(json.dumps(part).encode()) for part in (head, claims))
        return f"{signed}.{_encoded(hmac.digest(self._secret, signed.encode(), hashlib.sha256))}"

    def headers(self, user: str, **options) -> dict[str, str]:
        """The headers of a request by that user."""
        return {"Authorization": f"Bearer {self.token(user, **options)}"}
