"""An application that misbehaves on demand, and says a secret while it does."""

import gzip
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# Far below what an unbounded call would take, far above what a bounded one does.
BOUNDED_S = 20

SECRET = "s3cr3t-4f1d9b"


class Application(ThreadingHTTPServer):
    """Answers by path, and remembers who asked."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Behaviour)
        self.over = threading.Event()
        self.clients: list[int] = []
        self.cookies: list[str | None] = []
        self.busy = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Answer in a thread of its own until the block is left."""
        thread = threading.Thread(target=self.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield
        finally:
            self.over.set()
            self.shutdown()
            thread.join()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that hang up are what these tests are about."""


class Behaviour(BaseHTTPRequestHandler):
    """One method a path."""

    protocol_version = "HTTP/1.1"
    server: Application

    def do_GET(self) -> None:
        self.server.clients.append(self.client_address[1])
        self.server.cookies.append(self.headers["Cookie"])
        getattr(self, self.path.split("?")[0].strip("/"))()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def reply(self, status: int, body: bytes = b"{}", **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def drip(self, start: bytes) -> None:
        self.wfile.write(start)
        end = time.monotonic() + BOUNDED_S * 2
        while not self.server.over.wait(0.02) and time.monotonic() < end:
            self.wfile.write(b"x")

    def fine(self) -> None:
        self.reply(200, b'{"ok": true}', Content_Type="application/json")

    def broken(self) -> None:
        self.reply(500, SECRET.encode(), X_Debug=SECRET)

    def other_json(self) -> None:
        self.reply(200, b'{"ok": "%s"}' % SECRET.encode())

    def html(self) -> None:
        self.reply(200, b"<html>" + SECRET.encode(), Content_Type="text/html")

    def redirect(self) -> None:
        self.reply(302, Location=f"/redirect?token={SECRET}")

    def busy(self) -> None:
        self.reply(503, SECRET.encode())

    def session(self) -> None:
        self.reply(200, b'{"ok": true}', Set_Cookie=f"session={SECRET}; Path=/")

    def large(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n")
        self.wfile.write(b" " * 2_000_000)
        self.silent()

    def bomb(self) -> None:
        self.reply(200, gzip.compress(bytes(20_000_000)), Content_Encoding="gzip")

    def broken_gzip(self) -> None:
        self.reply(200, b"no gzip", Content_Encoding="gzip")

    def cut(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")
        self.close_connection = True

    def silent(self) -> None:
        self.server.over.wait(BOUNDED_S * 2)
        self.close_connection = True

    def dripping_header(self) -> None:
        self.drip(b"HTTP/1.1 200 OK\r\nX-Drip: ")

    def dripping_body(self) -> None:
        self.drip(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")

    def garbage(self) -> None:
        self.wfile.write(f"SSH-2.0-{SECRET}\r\n\r\n".encode())
        self.close_connection = True

    def reset(self) -> None:
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        # The files hold the socket open, and only its last close resets.
        self.rfile.close()
        self.connection.close()
        self.close_connection = True

    def recovering(self) -> None:
        """A restart: busy three times, then fine."""
        self.server.busy += 1
        self.busy() if self.server.busy <= 3 else self.fine()

    def redirect_loop(self) -> None:
        self.reply(
            302, Location=f"http://user:{SECRET}@{self.headers['Host']}/redirect_loop"
        )
