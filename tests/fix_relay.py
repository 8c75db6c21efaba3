"""A relay before a server, cut and mended: an API that is lost for a while."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from flows.demo.loopback import HOST


class Relay:
    """Hands bytes on, until it is cut."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._is_cut = False
        self._ends: list[socket.socket] = []
        self._open(0)
        self.port = self._door.getsockname()[1]

    def cut(self) -> None:
        """Nobody gets an answer from now on."""
        self._is_cut = True
        for end in self._ends:
            _shut(end)

    def mend(self) -> None:
        """As it was, also after it was closed."""
        self._is_cut = False
        if self._door.fileno() < 0:
            self._open(self.port)

    def close(self) -> None:
        """Nobody listens any more, as where the server itself is gone."""
        self.cut()
        _shut(self._door)

    def _open(self, port: int) -> None:
        self._door = socket.create_server((HOST, port))
        threading.Thread(target=self._accept, args=(self._door,), daemon=True).start()

    def _accept(self, door: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = door.accept()
                if self._is_cut:
                    _shut(client)
                    continue
                server = socket.create_connection((HOST, self._to))
                self._ends += [client, server]
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=_pump, args=pair, daemon=True).start()


@contextmanager
def relay_to(port: int) -> Iterator[Relay]:
    """A relay to a port of this machine."""
    relay = Relay(port)
    try:
        yield relay
    finally:
        relay.close()


def _pump(source: socket.socket, drain: socket.socket) -> None:
    with suppress(OSError):
        while block := source.recv(65_536):
            drain.sendall(block)
    _shut(drain)


def _shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
