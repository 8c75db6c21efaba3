"""A relay before a server of any kind; what is said to it may be held on its way."""

import select
import socket
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread

from flows.demo.loopback import HOST

LOOK_S = 0.02


class Relay:
    """Listens on a free port until closed, and holds the first message that fits.

    Args:
        fits: asked for the first bytes of a connection, and what is said now.
    """

    def __init__(self, port: int, fits: Callable[[bytes, bytes], bool]) -> None:
        self._server = (HOST, port)
        self._fits = fits
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self.reached = Event()
        self._opened = Event()
        Thread(target=self._accept, daemon=True).start()

    def open(self) -> None:
        """Let through what is held."""
        self._opened.set()

    def close(self) -> None:
        self.open()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        # Nobody there: to the client it looks as it would without a relay.
        with (
            suppress(OSError),
            client,
            socket.create_connection(self._server) as server,
        ):
            back = Thread(target=_copy, args=(server, client), daemon=True)
            back.start()
            try:
                self._forward(client, server)
            finally:
                # Closing alone says nothing while the other thread reads from it.
                server.shutdown(socket.SHUT_RDWR)

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        hello = b""
        while data := client.recv(65536):
            hello = hello if len(hello) > 1_000 else hello + data
            if not self.reached.is_set() and self._fits(hello, data):
                self.reached.set()
                data += self._hold(client)
            server.sendall(data)

    def _hold(self, client: socket.socket) -> bytes:
        """Wait until opened; returns what has been said meanwhile.

        Raises:
            ConnectionError: the client is gone.
        """
        said = b""
        while not self._opened.wait(LOOK_S):
            readable, _, _ = select.select([client], [], [], 0)
            if readable:
                said += client.recv(65536)
                if not client.recv(1, socket.MSG_PEEK):
                    raise ConnectionError("the client is gone")
        return said


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)
