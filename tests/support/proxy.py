"""A reverse proxy: a process of its own, at an address of its own (`proxy.py HERE UPSTREAM`).

It does what nginx does with `X-Forwarded-For $proxy_add_x_forwarded_for`, `X-Forwarded-Proto https`
and `Host $http_host`.
"""

from __future__ import annotations

import http.client
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

OWN = frozenset({"x-forwarded-for", "x-forwarded-proto", "connection"})


class Proxy(BaseHTTPRequestHandler):
    """Sends each request on from the proxy's own address."""

    protocol_version = "HTTP/1.1"
    here = upstream = ""

    def forward(self) -> None:
        parts = urlsplit(self.upstream)
        away = http.client.HTTPConnection(parts.netloc, timeout=30, source_address=(self.here, 0))
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        away.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in OWN:
                away.putheader(name, value)
        before = [*self.headers.get_all("x-forwarded-for", []), self.client_address[0]]
        away.putheader("X-Forwarded-For", ", ".join(before))
        away.putheader("X-Forwarded-Proto", "https")
        away.endheaders(body)
        answer = away.getresponse()
        content = answer.read()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in {"content-length", "transfer-encoding", "connection"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        away.close()

    do_GET = do_POST = do_DELETE = forward  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def proxy(upstream: str, here: str = "127.0.0.2") -> Iterator[str]:
    """The address of a proxy that runs meanwhile."""
    command = [sys.executable, __file__, here, upstream]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        yield f"http://{here}:{process.stdout.readline().strip()}"
    finally:
        process.kill()
        process.communicate()


if __name__ == "__main__":
    Proxy.here, Proxy.upstream = sys.argv[1:]
    server = ThreadingHTTPServer((Proxy.here, 0), Proxy)
    print(server.server_port, flush=True)
    server.serve_forever()
