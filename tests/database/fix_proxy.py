"""A proxy that cuts the connection at the first COMMIT, before or after it."""

import socket
import threading
from contextlib import suppress

from pydantic import SecretStr

from flows.migration.target import Target

COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"
"""PostgreSQL's message for it: simple query, length, text."""


class CommitProxy:
    """Listens on a free port until closed.

    Args:
        mistreatment: ``cut before`` swallows the COMMIT; ``cut after`` delivers it
            and cuts the connection once the server has answered.
    """

    def __init__(self, target: Target, mistreatment: str) -> None:
        url = target.database_url.get_secret_value()
        head, _, tail = url.rpartition(":")
        port, _, database = tail.partition("/")
        self._address = ("127.0.0.1", int(port))
        self._mistreatment = mistreatment
        self._is_done = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        own = self._listener.getsockname()[1]
        self.target = Target(SecretStr(f"{head}:{own}/{database}"))
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._address)
                for pump in (self._to_server, self._to_client):
                    threading.Thread(
                        target=pump, args=(client, server), daemon=True
                    ).start()

    def _to_server(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                if data == COMMIT and not self._is_done:
                    self._is_done = True
                    if self._mistreatment == "cut after":
                        _cut(client)
                        server.sendall(data)
                        server.recv(65536)
                    break
                server.sendall(data)
        _cut(client)
        _cut(server)

    def _to_client(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                client.sendall(data)
        _cut(client)
        _cut(server)


def _cut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
