"""The local store's S3 once more, on a port of its own where each request is noted."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from athena_endpoint.calls import CallRecord

# Of one connection only, as HTTP says.
_OF_THE_CONNECTION = ("connection", "content-length", "transfer-encoding")


@contextmanager
def s3_server(store: str, record: CallRecord) -> Iterator[str]:
    """Run it on a free port of the loopback interface; yields its URL.

    Args:
        store: the URL of the S3 that does the work.
        record: notes the requests.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Headers and content are two small writes.
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            self.store = http.client.HTTPConnection(urlsplit(store).netloc, timeout=60)

        def finish(self) -> None:
            self.store.close()
            super().finish()

        def _pass_on(self) -> None:
            is_chunked = "Transfer-Encoding" in self.headers
            length = int(self.headers.get("Content-Length") or 0)
            body = b"".join(self._chunks()) if is_chunked else self.rfile.read(length)
            record.add_s3(self.command, self.path, self.headers, body)
            answer = self._ask(body, is_chunked)
            content = answer.read()
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in _OF_THE_CONNECTION:
                    self.send_header(name, value)
            length = answer.getheader("Content-Length") if self.command == "HEAD" else len(content)
            if answer.status != 204:
                self.send_header("Content-Length", str(length or 0))
            self.end_headers()
            self.wfile.write(content)

        def _chunks(self) -> Iterator[bytes]:
            """A body whose length is not said before, as of some uploads."""
            while size := int(self.rfile.readline(), 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()

        def _ask(self, body: bytes, is_chunked: bool) -> http.client.HTTPResponse:
            """The store's answer; a connection that it has closed meanwhile is opened again."""
            try:
                return self._ask_once(body, is_chunked)
            except ConnectionError:
                self.store.close()
                return self._ask_once(body, is_chunked)

        def _ask_once(self, body: bytes, is_chunked: bool) -> http.client.HTTPResponse:
            # The Host that the client has signed goes on as it is.
            self.store.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in ("connection", "expect"):
                    self.store.putheader(name, value)
            self.store.endheaders(body, encode_chunked=is_chunked)
            return self.store.getresponse()

        def log_message(self, *arguments: Any) -> None:
            """Say nothing."""

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _pass_on

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
