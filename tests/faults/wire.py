"""PostgreSQL's protocol, as much of it as a proxy needs to know what it carries."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_CANCEL, _SSL, _GSS = 80877102, 80877103, 80877104
_NOT_ENCRYPTED = (_SSL, _GSS)


@dataclass(frozen=True)
class Message:
    """One message of the client's.

    Attributes:
        kind: its letter; empty for those that open a connection.
        text: the statement of a query (Q) or of a parse (P), else empty.
    """

    raw: bytes
    kind: str = ""
    text: str = ""

    @property
    def is_statement(self) -> bool:
        return self.kind in ("Q", "P")

    @property
    def is_commit(self) -> bool:
        return self.kind == "Q" and self.text.upper() == "COMMIT"


class ClientStream:
    """Cuts what a client sends into messages.

    Attributes:
        application: application_name, once the startup packet is through.
    """

    def __init__(self) -> None:
        self.application = ""
        self._buffer = b""
        self._is_open = False

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that are complete with these bytes."""
        self._buffer += data
        while message := self._next():
            yield message

    def _next(self) -> Message | None:
        head = 5 if self._is_open else 4
        if len(self._buffer) < head:
            return None
        (length,) = struct.unpack("!I", self._buffer[head - 4 : head])
        end = length + head - 4
        if len(self._buffer) < end:
            return None
        raw, self._buffer = self._buffer[:end], self._buffer[end:]
        return _typed(raw) if self._is_open else self._opening(raw)

    def _opening(self, raw: bytes) -> Message:
        (code,) = struct.unpack("!I", raw[4:8])
        if code not in (*_NOT_ENCRYPTED, _CANCEL):
            self._is_open = True
            fields = raw[8:].split(b"\0")
            values = dict(zip(fields[::2], fields[1::2], strict=False))
            self.application = values.get(b"application_name", b"").decode()
        return Message(raw)


def _typed(raw: bytes) -> Message:
    kind, body = chr(raw[0]), raw[5:]
    if kind == "Q":
        return Message(raw, kind, body.rstrip(b"\0").decode().strip())
    if kind == "P":
        _, _, rest = body.partition(b"\0")
        return Message(raw, kind, rest.partition(b"\0")[0].decode().strip())
    return Message(raw, kind)
