"""An HTTP proxy on loopback that fails as networks and services do, where it is told to."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"

Fault = str | None
"""`throttle`, `refuse`: answered with 503, 500 and not passed on. `lose`, `fail`, `expire`, `conflict`:
passed on, but answered with 504, 500, 401, 409. `hang up`: passed on, no answer. `cut`: the connection breaks
off in the middle of the answer. None: no fault."""

_NOT_PASSED_ON = {"throttle": 503, "refuse": 500}
_ANSWERED_WITH = {"lose": 504, "fail": 500, "expire": 401, "conflict": 409}


@dataclass
class FaultyProxy:
    """A running proxy."""

    url: str
    requests: list[tuple[str, str, Fault]] = field(default_factory=list)
    """(method, path, fault) of each request so far; AWS's operation follows the path."""


@contextmanager
def faulty_proxy(target: str, fault: Callable[[str, str, int], Fault]) -> Iterator[FaultyProxy]:
    """Run a proxy for one server.

    Args:
        target: the server's URL.
        fault: gives the fault for the method, path and number (from 0) of a request.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self) -> None:
            with lock:
                path = self.path + self.headers.get("X-Amz-Target", "")
                kind = fault(self.command, path, len(proxy.requests))
                proxy.requests.append((self.command, path, kind))
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if kind in _NOT_PASSED_ON:
                self._answer(_NOT_PASSED_ON[kind], {}, SLOW_DOWN)
                return
            status, headers, content = self._pass_on(body)
            if kind in _ANSWERED_WITH:
                self._answer(_ANSWERED_WITH[kind], {}, b"{}")
            elif kind == "hang up":
                self.close_connection = True
            elif kind == "cut":
                self._answer(status, headers, content, sent=len(content) // 2)
                self.close_connection = True
            else:
                self._answer(status, headers, content)

        def _pass_on(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
            connection = http.client.HTTPConnection(urlsplit(target).netloc, timeout=30)
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                connection.putheader(name, value)
            connection.endheaders(body or None)
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            own = ("content-length", "transfer-encoding", "connection")
            headers = {name: value for name, value in answer.getheaders() if name.lower() not in own}
            if self.command == "HEAD":
                headers["Content-Length"] = answer.getheader("Content-Length") or "0"
            return answer.status, headers, content

        def _answer(
            self, status: int, headers: dict[str, str], content: bytes, sent: int | None = None
        ) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if self.command != "HEAD" and status != 204:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[:sent])

        def log_message(self, *_: object) -> None:
            pass

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _handle

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    lock = threading.Lock()
    proxy = FaultyProxy(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
