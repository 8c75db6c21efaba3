"""A proxy that does to a connection what networks do, at exactly the chosen message."""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from types import TracebackType
from typing import Self

from pydantic import SecretStr

from flows.migration.target import Target
from tests.faults.wire import ClientStream, Message

HOST = "127.0.0.1"


class Deed(Enum):
    """What is done to a message, or to the answer to it."""

    PASS = auto()
    SWALLOW = auto()
    """The server never gets it; both ends are cut."""
    CUT_ANSWER = auto()
    """The server gets it, and is at it when the client is cut."""
    HALF_OPEN = auto()
    """The client is cut; the server hears nothing more, not even that."""
    LATE = auto()
    """The client is cut at once; the server gets it `WireProxy.delay_s` later."""
    DELAY_ANSWER = auto()
    """The answer comes `WireProxy.delay_s` late."""
    BLACKHOLE = auto()
    """The server gets it; the client hears nothing until `WireProxy.close`."""


@dataclass
class Line:
    """One connection through the proxy.

    Attributes:
        number: of the line, from 1.
        statements: how many have come so far.
    """

    number: int
    client: socket.socket
    server: socket.socket
    stream: ClientStream = field(default_factory=ClientStream)
    statements: int = 0
    may_answer: threading.Event = field(default_factory=threading.Event)
    is_deaf: bool = False
    """The client's messages go nowhere any more."""
    is_mute: bool = False
    """Nor do the server's answers, however quick they are."""

    @property
    def application(self) -> str:
        return self.stream.application

    def cut(self) -> None:
        cut(self.client)
        cut(self.server)


Choose = Callable[[Line, Message], Deed]
"""Asked before each statement is passed on; may take its time, and do things itself."""


def pass_all(line: Line, message: Message) -> Deed:
    return Deed.PASS


class WireProxy:
    """Listens on a free port for the time of a `with` block.

    Args:
        port: of the server.
        choose: decides what happens to each statement; asked one at a time.
    """

    def __init__(
        self, port: int, choose: Choose = pass_all, delay_s: float = 0.3
    ) -> None:
        self.choose = choose
        self.delay_s = delay_s
        self.lines: list[Line] = []
        self.may_connect = threading.Event()
        """Cleared: new connections are accepted, and wait."""
        self.may_connect.set()
        self._server = (HOST, port)
        self._one_at_a_time = threading.Lock()
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def through(self, url: str) -> str:
        """The same URL, by way of this proxy."""
        return url.replace(f":{self._server[1]}/", f":{self.port}/")

    def lead_to(self, port: int) -> None:
        """New connections go to another server from here on."""
        self._server = (HOST, port)

    def close(self) -> None:
        """Cut everything, and listen no more."""
        cut(self._listener)
        self.may_connect.set()
        for line in list(self.lines):
            line.may_answer.set()
            line.cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(
                    target=self._carry, args=(client,), daemon=True
                ).start()

    def _carry(self, client: socket.socket) -> None:
        self.may_connect.wait()
        try:
            server = socket.create_connection(self._server)
        except OSError:
            cut(client)
            return
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line = Line(len(self.lines) + 1, client, server)
        line.may_answer.set()
        self.lines.append(line)
        threading.Thread(target=self._to_client, args=(line,), daemon=True).start()
        with suppress(OSError):
            while data := client.recv(65536):
                for message in line.stream.feed(data):
                    if not self._pass_on(line, message):
                        return
        if not line.is_deaf:
            line.cut()

    def _pass_on(self, line: Line, message: Message) -> bool:
        """Whether the line is still there."""
        deed = Deed.PASS
        if message.is_statement:
            with self._one_at_a_time:
                line.statements += 1
                deed = self.choose(line, message)
        match deed:
            case Deed.SWALLOW:
                line.cut()
                return False
            case Deed.HALF_OPEN:
                line.is_deaf = True
                cut(line.client)
                return False
            case Deed.CUT_ANSWER:
                line.is_deaf = line.is_mute = True
                line.server.sendall(message.raw)
                cut(line.client)
                return False
            case Deed.LATE:
                line.is_deaf = True
                cut(line.client)
                time.sleep(self.delay_s)
                line.server.sendall(message.raw)
                return False
            case Deed.BLACKHOLE:
                line.is_deaf = True
                line.may_answer.clear()
            case Deed.DELAY_ANSWER:
                line.may_answer.clear()
                threading.Timer(self.delay_s, line.may_answer.set).start()
            case Deed.PASS:
                pass
        line.server.sendall(message.raw)
        return True

    def _to_client(self, line: Line) -> None:
        with suppress(OSError):
            while data := line.server.recv(65536):
                if line.is_mute:
                    break
                line.may_answer.wait()
                line.client.sendall(data)
        line.may_answer.wait()
        # A deaf line's client is gone already, and its server's end goes with it:
        # where it is half open the server ends it, or `close` does.
        line.cut()


class Once:
    """The first message that fits gets the deed; all others pass.

    Args:
        fits: which one.
        deed: what is done to it.
        then: called before it is done, with the line.
    """

    def __init__(
        self,
        fits: Callable[[Line, Message], bool],
        deed: Deed,
        then: Callable[[Line], None] | None = None,
    ) -> None:
        self._fits = fits
        self._deed = deed
        self._then = then
        self.line: Line | None = None

    @property
    def is_done(self) -> bool:
        return self.line is not None

    def __call__(self, line: Line, message: Message) -> Deed:
        if self.line is not None or not self._fits(line, message):
            return Deed.PASS
        self.line = line
        if self._then:
            self._then(line)
        return self._deed


def commit_of(name: str, number: int = 1) -> Callable[[Line, Message], bool]:
    """Fits the COMMIT of that number among those sent by a session of ours.

    Args:
        name: what its application_name goes on with after ``pgflight``.
    """
    seen = 0

    def fits(line: Line, message: Message) -> bool:
        nonlocal seen
        if message.is_commit and line.application.startswith(f"pgflight {name}"):
            seen += 1
            return seen == number
        return False

    return fits


class CommitProxy(WireProxy):
    """Mistreats the first COMMIT that comes, whoever sends it.

    Attributes:
        target: the same database, by way of this proxy.
    """

    def __init__(self, target: Target, deed: Deed) -> None:
        url = target.database_url.get_secret_value()
        port = url.rpartition(":")[2].partition("/")[0]
        once = Once(lambda line, message: message.is_commit, deed)
        super().__init__(int(port), once)
        self.target = Target(SecretStr(self.through(url)))


def cut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    with suppress(OSError):
        end.close()
