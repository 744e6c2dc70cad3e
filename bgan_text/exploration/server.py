"""The local web server of a page: who may ask, how much, and how long. What it answers is given to it.

It listens on the loopback address only. Other programs of the machine, and web pages that a browser has open,
can reach that address too, so each request needs the random token of the path, the right `Host` (a page may
point a name of its own at 127.0.0.1), and to change nothing but through JSON, which a foreign page cannot
send. Sizes, times and connections are bounded. Nothing is written anywhere.
"""

import hmac
import json
import os
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from bgan_text.errors import UserError, one_line, reason_of
from bgan_text.files import finite, strict_json

LOOPBACK = "127.0.0.1"
MOST_BODY = 2**16
"""Bytes of a request's body."""
MOST_CONNECTIONS = 32
SECONDS_TO_SEND, SECONDS_OF_SILENCE = 15.0, 10.0
"""A client has so long to send a request, and the network so long for each part."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
JSON = "application/json"

File = tuple[str, bytes]
"""Content type and content."""
Answer = Callable[[Any], Mapping[str, Any]]
"""JSON of a request -> JSON of its answer. A `UserError` is an answer, too."""


class RefusedError(Exception):
    """A request that is not answered: its status, and why in one line."""

    def __init__(self, status: HTTPStatus, line: str) -> None:
        super().__init__(line)
        self.status, self.line = status, line


class PageServer(ThreadingHTTPServer):
    """Serves fixed files and answers to JSON below `/TOKEN/`. One request is answered at a time.

    Args:
        port: where it listens; 0 for any that is free.
        token: the first part of the path of every request.
        files: the files by name; the page itself is "".
        answers: what is asked by POST, by name.

    Raises:
        OSError: the port is taken.
    """

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = os.name == "posix"  # elsewhere, two programs could listen on one port

    def __init__(
        self, port: int, token: str, files: Mapping[str, File], answers: Mapping[str, Answer]
    ) -> None:
        self.token, self.files, self.answers = token, files, answers
        self.lock = threading.Lock()
        self.deadlines: dict[socket.socket, float] = {}
        super().__init__((LOOPBACK, port), _Handler)

    def server_bind(self) -> None:
        """Without the look-up of the machine's name that http.server makes."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = LOOPBACK, int(self.server_address[1])

    @property
    def hosts(self) -> tuple[str, str]:
        """What a browser calls this server."""
        return f"{LOOPBACK}:{self.server_port}", f"localhost:{self.server_port}"

    def process_request(self, request: Any, client_address: Any) -> None:
        """Refuse a connection beyond the largest number."""
        if len(self.deadlines) >= MOST_CONNECTIONS:
            self.shutdown_request(request)
            return
        self.deadlines[request] = time.monotonic() + SECONDS_TO_SEND
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.deadlines.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """Every half second: end the connections whose request takes too long to come."""
        now = time.monotonic()
        for connection, deadline in list(self.deadlines.items()):
            if now > deadline:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone is no news, and the library prints nothing."""


class _Handler(BaseHTTPRequestHandler):
    server: PageServer
    timeout = SECONDS_OF_SILENCE
    server_version, sys_version = "bgan-text", ""

    def parse_request(self) -> bool:
        """Whether the request is well formed and comes from the page or from who has its address."""
        if not super().parse_request():
            return False
        try:
            self._admit()
        except RefusedError as error:
            self._send_error(error.status, error.line)
            return False
        return True

    def _admit(self) -> None:
        if self.headers.get_all("Host") not in [[host] for host in self.server.hosts]:
            raise RefusedError(HTTPStatus.FORBIDDEN, "this server has another name")
        token, _, rest = urlsplit(self.path).path.removeprefix("/").partition("/")
        known = hmac.compare_digest(token.encode(errors="replace"), self.server.token.encode())
        if not known or not self.path.startswith("/"):
            raise RefusedError(HTTPStatus.FORBIDDEN, "the address lacks the token that bgan-text has printed")
        self.asked = rest
        if self.command not in ("GET", "POST"):
            raise RefusedError(HTTPStatus.METHOD_NOT_ALLOWED, "GET and POST are answered")

    def do_GET(self) -> None:
        """A file of the page."""
        self._read()
        if not urlsplit(self.path).path.startswith(f"/{self.server.token}/"):
            self.send_response(HTTPStatus.MOVED_PERMANENTLY)
            self.send_header("Location", f"/{self.server.token}/")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.asked in self.server.files:
            self._send(HTTPStatus.OK, *self.server.files[self.asked])
        else:
            self._send_error(HTTPStatus.NOT_FOUND, "there is no such file")

    def do_POST(self) -> None:
        """An answer to JSON."""
        try:
            answer, values = self._question()
            with self.server.lock:
                found = answer(values)
        except RefusedError as error:
            self._send_error(error.status, error.line)
        except UserError as error:
            self._send_error(HTTPStatus.BAD_REQUEST, str(error))
        except Exception as error:
            line = f"{type(error).__name__}: {reason_of(error)}"
            self._send_error(HTTPStatus.INTERNAL_SERVER_ERROR, line)
        else:
            self._send_json(HTTPStatus.OK, found)

    def _question(self) -> tuple[Answer, Any]:
        """What is asked: who answers it, and the JSON of the body."""
        origin = self.headers.get("Origin")
        if origin is not None and origin not in [f"http://{host}" for host in self.server.hosts]:
            raise RefusedError(HTTPStatus.FORBIDDEN, "another page may not ask")
        if self.asked not in self.server.answers:
            raise RefusedError(HTTPStatus.NOT_FOUND, "there is no such question")
        if self.headers.get("Content-Type", "").split(";")[0].strip().lower() != JSON:
            raise RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"the content type {JSON} is needed")
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdecimal()) or "Transfer-Encoding" in self.headers:
            raise RefusedError(HTTPStatus.LENGTH_REQUIRED, "a Content-Length is needed")
        if len(length) > len(str(MOST_BODY)) or int(length) > MOST_BODY:
            raise RefusedError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a request has at most {MOST_BODY:,} bytes"
            )
        body = self.rfile.read(int(length))
        self._read()
        if len(body) < int(length):
            raise RefusedError(HTTPStatus.BAD_REQUEST, "the request is not whole")
        try:
            return self.server.answers[self.asked], strict_json(body.decode())
        except (ValueError, RecursionError) as error:
            line = one_line(f"the request is not JSON: {reason_of(error)}")
            raise RefusedError(HTTPStatus.BAD_REQUEST, line) from error

    def _read(self) -> None:
        """The request is there: the client has done its part in time."""
        if self.connection in self.server.deadlines:
            self.server.deadlines[self.connection] = float("inf")

    def _send_json(self, status: HTTPStatus, value: Mapping[str, Any]) -> None:
        self._send(status, JSON, json.dumps(finite(value)).encode())

    def _send_error(self, status: HTTPStatus, line: str) -> None:
        self._send_json(status, {"error": line})

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What http.server refuses by itself, without its page."""
        self.close_connection = True
        self._send_error(HTTPStatus(code), HTTPStatus(code).phrase)

    def _send(self, status: HTTPStatus, kind: str, content: bytes) -> None:
        self.send_response(status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(content)

    def log_message(self, *words: Any) -> None:
        """Nothing: the library prints nothing."""
