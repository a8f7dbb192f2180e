"""A gateway of a test's own, with settings of its own, and what may stand behind it instead of a service."""

import http.server
import json
import re
import socket
import subprocess
import threading
from pathlib import Path

from stacklib import account
from stacklib.gateway import command_line, render

from .api import Service
from .programs import free_port
from .waiting import eventually

HOST = "127.0.0.1"


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of this machine's that signs itself, and its key: files in `folder`, under the gateway's default names."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    key.chmod(0o644)  # the servers' user is not ours
    return certificate, key


class Gateway:
    """`with Gateway(stack, folder, RR_GATEWAY_RATE="1r/s") as gateway:` the stack's services behind an nginx on a port of its
    own; `gateway.client` calls it, `gateway.raw` sends bytes as they are."""

    def __init__(self, stack, folder: Path, **settings: str):
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self.client = Service(self.url)
        self.log = folder / "gateway.log"
        self._folder = account.folder(folder / "gateway")
        self._files = stack.files.nginx
        for path in (folder, *list(folder.parents)[:2]):
            path.chmod(0o755)  # pytest's own is closed to the servers' user
        of_stack = {
            "RR_GATEWAY_LISTEN": f"{HOST}:{self.port}",
            "RR_GATEWAY_COMMAND": f"{HOST}:{stack.command_svc.port}",
            "RR_GATEWAY_QUERY": f"{HOST}:{stack.query_svc.port}",
            "RR_GATEWAY_WEB": str(stack.repo / "web"),
        }
        render(self._folder, of_stack | settings)
        self._reach = [stack.repo, self._files]

    def __enter__(self) -> "Gateway":
        self.log.touch()
        account.own(self.log, 0o640)
        argv = account.wrap(command_line(self._files, self._folder), *self._reach)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            eventually(self._listens)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.process.terminate()
        self.process.wait(20)

    def _listens(self) -> bool:
        assert self.process.poll() is None, f"it ended at once:\n{self.log.read_text()[-4000:]}"
        with socket.socket() as probe:
            return probe.connect_ex((HOST, self.port)) == 0

    def raw(self, request: bytes) -> list[tuple[int, str]]:
        """Sends `request`, reads until the gateway closes the connection, and returns the answers: (status, body)."""
        with socket.create_connection((HOST, self.port), timeout=20) as connection:
            connection.sendall(request)
            text = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
        heads = re.finditer(r"HTTP/1\.1 (\d{3}) .*?\r\n\r\n(.*?)(?=HTTP/1\.1 \d{3} |\Z)", text, re.DOTALL)
        return [(int(head[1]), head[2]) for head in heads]


class Echo:
    """A service that answers every request with what it was sent, and with its own name; the first ones by hanging up, if told so."""

    def __init__(self, name: str, hangs_up: int = 0):
        self.requests: list[dict] = []
        self.begun = 0  # requests of which the header has come
        echo = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self):
                echo.begun += 1
                if echo.begun <= hangs_up:
                    self.close_connection = True
                    return
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                request = {
                    "service": name,
                    "method": self.command,
                    "path": self.path,
                    "headers": {header.lower(): value for header, value in self.headers.items()},
                    "body": body,
                }
                echo.requests.append(request)
                answer = json.dumps(request).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.send_header("X-Request-Id", self.headers.get("X-Request-Id", ""))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(answer)

            def log_message(self, *_):
                pass

            do_GET = do_HEAD = do_POST = do_PATCH = do_DELETE = do_PUT = do_OPTIONS = handle_one

        self._server = http.server.ThreadingHTTPServer((HOST, 0), Handler)
        self.address = f"{HOST}:{self._server.server_port}"

    def __enter__(self) -> "Echo":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self._server.shutdown()
        self._server.server_close()


class Broken:
    """A service that reads requests and never answers: it hangs up, or (silent) keeps the connection."""

    def __init__(self, silent: bool = False):
        self.requests: list[bytes] = []
        self._silent = silent
        self._kept: list[socket.socket] = []
        self._listener = socket.create_server((HOST, 0))
        self.address = f"{HOST}:{self._listener.getsockname()[1]}"

    def __enter__(self) -> "Broken":
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._kept:
            connection.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.requests.append(connection.recv(65536))
            if self._silent:
                self._kept.append(connection)
            else:
                connection.close()
