"""The smoke test: probes sent to the application over HTTP, and judged one by one.

Nothing that was received is kept but the status, the kind of content and the
names of expected JSON keys: bodies, headers and URLs may hold secrets.
"""

import itertools
import logging
import random
import socket
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from enum import Enum, auto
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TypeVar

import httpx

from flows.migration.answer import Reply, difference, is_same, shown, stale_plan
from flows.migration.errors import PgflightError, TargetError
from flows.migration.probe import Cell, Probe, ProbeResult, ReadBack, Smoke, Verdict

ReadCell = Callable[[Cell], str | None]
T = TypeVar("T")

BASELINE_PASSES = 3
# A single wrong answer may be a blip: a restarted worker, a replaced connection.
WRONG_ANSWERS = 3
# Over one connection a load balancer may show one worker only, and a plan that
# went stale lives in one worker's database connection.
CONNECTIONS = 4
MAX_BODY = 1024 * 1024
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 2.0
# Lets httpx report its own timeout, which says what was waited for.
GRACE_S = 0.1

# Said by whatever stands before the application, or by an application that asks
# for patience (RFC 9110, 15.6; RFC 6585, 4).
TRANSIENT_STATUSES = frozenset({429, 502, 503, 504})

# The operating system's reasons, which httpx keeps as the cause of its own error.
_SYSTEM_CAUSES: dict[type[BaseException], str] = {
    ssl.SSLCertVerificationError: "the TLS certificate was not accepted",
    ssl.SSLError: "the TLS handshake failed",
    socket.gaierror: "the host name was not resolved",
    ConnectionRefusedError: "the connection was refused",
    ConnectionError: "the connection was closed by the other side",
}

_CALL_CAUSES: dict[type[BaseException], str] = {
    TimeoutError: "the answer was not complete within timeout_ms",
    UnicodeError: "the host name is not valid",
    httpx.InvalidURL: "the URL is not valid",
    httpx.ConnectTimeout: "no connection within timeout_ms",
    httpx.ReadTimeout: "no answer within timeout_ms",
    httpx.WriteTimeout: "the request was not taken within timeout_ms",
    httpx.PoolTimeout: "no connection was free within timeout_ms",
    httpx.ConnectError: "no connection could be made",
    httpx.ReadError: "the connection broke before the answer was complete",
    httpx.WriteError: "the connection broke before the request was sent",
    httpx.CloseError: "the connection could not be closed",
    httpx.ProxyError: "the proxy refused",
    httpx.UnsupportedProtocol: "the URL is neither http:// nor https://",
    httpx.LocalProtocolError: "the request is not valid HTTP",
    httpx.RemoteProtocolError: "the answer is not valid, complete HTTP",
    httpx.DecodingError: "the answer's compression is broken",
    httpx.HTTPError: "the call failed",
}


class Kind(Enum):
    """What one call shows."""

    RIGHT = auto()
    WRONG = auto()
    NOTHING = auto()
    """No answer, or one that time may cure."""


@dataclass(frozen=True)
class Attempt:
    """One call of a probe; ``ms`` is None when it was not answered."""

    kind: Kind
    detail: str = ""
    ms: float | None = None


def client_for(smoke: Smoke) -> httpx.Client:
    """Make the client for an expanded smoke test; use it as a context manager.

    Its calls take turns on several warm connections and go straight to the
    application, whatever proxy the environment names. Redirects are not followed.

    Raises:
        TargetError: ``base_url`` is not a URL that probes can be sent to.
    """
    if not _is_endpoint(smoke.base_url):
        raise TargetError(
            "smoke.base_url is not the URL of an application",
            "Give the target an endpoint such as https://app.example.com,"
            " without ? and #.",
        )
    # They log URLs and, when debugging, headers; the whole process is told to
    # keep quiet, because calls cannot be told apart there.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return httpx.Client(
        base_url=smoke.base_url,
        headers={"user-agent": "pgflight", "accept-encoding": "identity"},
        # A session begun by one probe must not sign in the next.
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        transport=_TakingTurns(),
    )


def run_probes(
    smoke: Smoke, client: httpx.Client, read_cell: ReadCell | None = None
) -> tuple[ProbeResult, ...]:
    """Run every probe, one after the other, until each can be judged.

    Never raises for what the application does. Takes at most ``deadline_ms`` for
    each probe, and the time that ``read_cell`` takes.

    Args:
        smoke: expanded; see flows.migration.variables.
        read_cell: reads a value from the database as text, and raises
            PgflightError if it cannot. None leaves ``read_back`` unchecked.
    """
    caller = _Caller(client, smoke.timeout_ms / 1000, read_cell)
    return tuple(_run(probe, smoke, smoke.passes, caller) for probe in smoke.probes)


def run_baseline(smoke: Smoke, client: httpx.Client) -> tuple[ProbeResult, ...]:
    """Run the probes that work without the migration; fewer passes are enough.

    As run_probes otherwise, without reading back. Empty when every probe needs the
    migration.
    """
    caller = _Caller(client, smoke.timeout_ms / 1000, read_cell=None)
    passes = min(smoke.passes, BASELINE_PASSES)
    return tuple(
        _run(probe, smoke, passes, caller)
        for probe in smoke.probes
        if not probe.needs_migration
    )


def cause_in_words(error: BaseException) -> str:
    """Say why a call got no answer, without anything that was sent or received."""
    return _cause_of_system(error) or next(
        _CALL_CAUSES[kind] for kind in type(error).__mro__ if kind in _CALL_CAUSES
    )


def _cause_of_system(error: BaseException | None) -> str:
    while error is not None:
        for kind in type(error).__mro__:
            if kind in _SYSTEM_CAUSES:
                return _SYSTEM_CAUSES[kind]
        # httpcore raises "from None" on its way, which leaves only the context.
        error = error.__cause__ or error.__context__
    return ""


def _is_endpoint(base_url: str) -> bool:
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL:
        return False
    is_bare = not (url.query or url.fragment)
    has_port = url.port is None or 0 < url.port < 65536
    return url.scheme in ("http", "https") and bool(url.host) and has_port and is_bare


class _TakingTurns(httpx.BaseTransport):
    """Sends each request over the next one of several connections."""

    def __init__(self) -> None:
        context = httpx.create_ssl_context()
        self._transports = [
            httpx.HTTPTransport(verify=context) for _ in range(CONNECTIONS)
        ]
        self._turns = itertools.cycle(self._transports)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return next(self._turns).handle_request(request)

    def close(self) -> None:
        for transport in self._transports:
            transport.close()


class _Tally:
    """What the calls of one probe have shown so far."""

    def __init__(self) -> None:
        self.passes = 0
        self.attempts = 0
        self.wrong = 0
        self.setbacks = 0
        self.slowest_ms: float | None = None
        self.last = ""

    def add(self, attempt: Attempt) -> None:
        is_right = attempt.kind is Kind.RIGHT
        self.attempts += 1
        self.passes = self.passes + 1 if is_right else 0
        self.setbacks = 0 if is_right else self.setbacks + 1
        self.wrong += attempt.kind is Kind.WRONG
        self.last = attempt.detail
        if attempt.ms is not None:
            self.slowest_ms = max(attempt.ms, self.slowest_ms or 0.0)

    def pause_s(self) -> float:
        """Exponential, with jitter so that several runs do not keep step."""
        if not self.setbacks:
            return 0.0
        longest_s = min(FIRST_PAUSE_S * 2.0 ** (self.setbacks - 1), LONGEST_PAUSE_S)
        return longest_s * random.uniform(0.5, 1.0)

    def result(self, name: str, verdict: Verdict, detail: str = "") -> ProbeResult:
        return ProbeResult(
            name=name,
            verdict=verdict,
            passes=self.passes,
            attempts=self.attempts,
            slowest_ms=self.slowest_ms,
            detail=detail,
        )


@dataclass(frozen=True)
class _Caller:
    """Makes one call of a probe, and says what it shows."""

    client: httpx.Client
    timeout_s: float
    read_cell: ReadCell | None

    def call(self, probe: Probe, remaining_s: float) -> Attempt:
        limit_s = min(self.timeout_s, remaining_s)
        begin = time.monotonic()
        try:
            reply = _bounded(
                lambda: _receive(self.client, probe, limit_s), limit_s + GRACE_S
            )
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, UnicodeError) as error:
            return Attempt(Kind.NOTHING, cause_in_words(error))
        ms = (time.monotonic() - begin) * 1000
        found = difference(reply, probe.expect)
        if not found:
            return self._read_back(probe.read_back, ms)
        if cure := stale_plan(reply):
            # No fault of the migration's, and it passes as connections are replaced.
            return Attempt(Kind.NOTHING, f"status {reply.status}: {cure}", ms)
        is_transient = reply.status in TRANSIENT_STATUSES - {probe.expect.status}
        return Attempt(Kind.NOTHING if is_transient else Kind.WRONG, found, ms)

    def _read_back(self, expected: ReadBack | None, ms: float) -> Attempt:
        if expected is None or self.read_cell is None:
            return Attempt(Kind.RIGHT, ms=ms)
        place = f"{expected.table}.{expected.column}"
        try:
            value = self.read_cell(expected)
        except PgflightError:
            detail = f"the answer was right, but {place} could not be read back"
            return Attempt(Kind.NOTHING, detail, ms)
        if is_same(expected.equals, value):
            return Attempt(Kind.RIGHT, ms=ms)
        detail = (
            f"the answer was right, but {place} holds {shown(value)}"
            f" instead of {shown(expected.equals)}"
        )
        return Attempt(Kind.WRONG, detail, ms)


def _run(probe: Probe, smoke: Smoke, passes: int, caller: _Caller) -> ProbeResult:
    tally = _Tally()
    deadline = time.monotonic() + smoke.deadline_ms / 1000
    pause_s = 0.0
    while (remaining_s := deadline - time.monotonic() - pause_s) > 0:
        time.sleep(pause_s)
        tally.add(caller.call(probe, remaining_s))
        if tally.passes == passes:
            return tally.result(probe.name, Verdict.PASS)
        if tally.wrong == WRONG_ANSWERS:
            detail = f"{tally.last} ({WRONG_ANSWERS} wrong answers)"
            return tally.result(probe.name, Verdict.FAIL, detail)
        pause_s = tally.pause_s()
    last = tally.last or f"{tally.passes} of {passes} right answers in a row"
    detail = f"not to be judged within {smoke.deadline_ms} ms; last: {last}"
    return tally.result(probe.name, Verdict.INCONCLUSIVE, detail)


def _receive(client: httpx.Client, probe: Probe, timeout_s: float) -> Reply:
    body = bytearray()
    with client.stream(
        probe.method,
        probe.path,
        headers=probe.headers,
        json=probe.json_,
        timeout=timeout_s,
        follow_redirects=False,
    ) as response:
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > MAX_BODY:
                break
        return Reply(
            status=response.status_code,
            content_type=response.headers.get("content-type", ""),
            body=bytes(body[:MAX_BODY]),
            is_complete=len(body) <= MAX_BODY,
        )


def _bounded(call: Callable[[], T], seconds: float) -> T:
    """Wait no longer than this for a call, whatever it does.

    httpx limits each read and each attempt to connect; an answer that drips, and
    a resolver that does not answer, have no limit there. The abandoned thread
    ends when the client is closed.

    Raises:
        TimeoutError: the call was not over in time.
    """
    outcome: Future[T] = Future()

    def run() -> None:
        try:
            outcome.set_result(call())
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=run, name="probe", daemon=True).start()
    return outcome.result(timeout=seconds)
