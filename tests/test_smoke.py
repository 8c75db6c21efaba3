"""Tests of flows.smoke, against an HTTP server that misbehaves on demand."""

import errno
import logging
import os
import signal
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from flows.migration.errors import ConnectionFailed, TargetError
from flows.migration.probe import Answer, Cell, Probe, ProbeResult, Smoke, Verdict
from flows.smoke import (
    BASELINE_PASSES,
    CONNECTIONS,
    WRONG_ANSWERS,
    cause_in_words,
    client_for,
    run_baseline,
    run_probes,
)
from tests.misbehaving import BOUNDED_S, SECRET, Application

# A limit that must run out is short; one that must not is longer than a slow
# machine needs.
SHORT_MS = 300
LONG_MS = 60_000

ORG = "0b0e4ad8-6d1f-4f6c-9c1a-3f6f5b1f0a11"
OTHER_ORG = "6cf0bf58-6c0a-4a4e-a4a8-4d8a2ed7a9a3"
READ_BACK = {"table": "users", "column": "org", "where": {"id": "1"}, "equals": ORG}


@pytest.fixture
def application() -> Iterator[Application]:
    with Application() as server, server.answering():
        yield server


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.smoke.FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr("flows.smoke.LONGEST_PAUSE_S", 0.05)


@pytest.fixture
def one_setback_is_enough(_short_pauses, monkeypatch) -> None:
    """Make the first pause longer than any deadline."""
    monkeypatch.setattr("flows.smoke.FIRST_PAUSE_S", LONG_MS)
    monkeypatch.setattr("flows.smoke.LONGEST_PAUSE_S", LONG_MS)


def smoke(base_url: str, *probes: Probe, **changes: Any) -> Smoke:
    limits = {"passes": 2, "timeout_ms": LONG_MS, "deadline_ms": LONG_MS} | changes
    return Smoke(base_url=base_url, probes=probes, **limits)


def get(path: str, **changes: Any) -> Probe:
    expect = Answer(json={"ok": True})
    return Probe(name=path, path=path, **({"expect": expect} | changes))


def run(test: Smoke, read_cell: Any = None) -> ProbeResult:
    with client_for(test) as client:
        (result,) = run_probes(test, client, read_cell)
    return result


def answered_by(handler: Callable[[httpx.Request], httpx.Response], **changes: Any):
    """Run one probe against a function."""
    test = smoke("http://app", get("/"), **changes)
    with httpx.Client(
        base_url=test.base_url, transport=httpx.MockTransport(handler)
    ) as client:
        return run_probes(test, client)[0]


def script(*statuses: int) -> Callable[[httpx.Request], httpx.Response]:
    """Answer with these statuses in turn, and with the last one ever after."""
    left = list(statuses)

    def handler(request: httpx.Request) -> httpx.Response:
        status = left.pop(0) if len(left) > 1 else left[0]
        return httpx.Response(status, json={"ok": True})

    return handler


def test_right_answers_pass(application):
    result = run(smoke(application.url, get("/fine"), passes=5))
    assert (result.verdict, result.passes, result.attempts) == (Verdict.PASS, 5, 5)
    assert result.slowest_ms is not None
    assert result.detail == ""


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/broken", "status 500 instead of 200"),
        ("/other_json", "status 200, but JSON key ok is not as expected"),
        ("/html", "status 200, but the body is not JSON (HTML)"),
        ("/redirect", "status 302 instead of 200, a redirect"),
        ("/large", "too large: 1048576 bytes"),
        ("/bomb", "too large: 1048576 bytes"),
    ],
)
def test_wrong_answers_fail(application, path, said):
    result = run(smoke(application.url, get(path)))
    assert (result.verdict, result.attempts) == (Verdict.FAIL, WRONG_ANSWERS)
    assert said in result.detail


@pytest.mark.usefixtures("one_setback_is_enough")
@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/busy", "status 503 instead of 200"),
        ("/cut", "the answer is not valid, complete HTTP"),
        ("/garbage", "the answer is not valid, complete HTTP"),
        ("/reset", "the connection was closed by the other side"),
        ("/broken_gzip", "the answer's compression is broken"),
    ],
)
def test_useless_answer_is_inconclusive(application, path, said):
    result = run(smoke(application.url, get(path)))
    assert (result.verdict, result.attempts) == (Verdict.INCONCLUSIVE, 1)
    assert said in result.detail


@pytest.mark.parametrize("path", ["/silent", "/dripping_header", "/dripping_body"])
def test_slow_answer_is_inconclusive(application, path):
    begin = time.monotonic()
    result = run(
        smoke(application.url, get(path), timeout_ms=100, deadline_ms=SHORT_MS)
    )
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "within timeout_ms" in result.detail
    assert time.monotonic() - begin < BOUNDED_S


@pytest.mark.usefixtures("one_setback_is_enough")
def test_refused_connection_is_inconclusive():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    result = run(smoke(f"http://127.0.0.1:{port}", get("/")))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "the connection was refused" in result.detail
    assert result.slowest_ms is None


@pytest.mark.usefixtures("one_setback_is_enough")
def test_plain_port_asked_for_tls_is_inconclusive(application):
    url = application.url.replace("http:", "https:")
    result = run(smoke(url, get("/fine")))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "the TLS handshake failed" in result.detail


@pytest.mark.usefixtures("one_setback_is_enough")
@pytest.mark.parametrize("host", ["application.invalid", "a" * 70 + ".invalid"])
def test_unknown_host_is_inconclusive(host):
    result = run(smoke(f"http://{host}", get("/")))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "the host name" in result.detail


def test_missing_answers_are_retried_until_the_deadline():
    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("")

    begin = time.monotonic()
    result = answered_by(handler, deadline_ms=SHORT_MS)
    assert result.attempts > 1
    assert time.monotonic() - begin < BOUNDED_S


def test_blip_is_forgiven():
    result = answered_by(script(200, 500, 200), passes=3)
    assert (result.verdict, result.passes, result.attempts) == (Verdict.PASS, 3, 5)


def test_wrong_answers_among_right_ones_fail():
    result = answered_by(script(200, 500, 200, 500, 200, 500, 200))
    assert (result.verdict, result.attempts) == (Verdict.FAIL, 6)
    assert result.detail == "status 500 instead of 200 (JSON) (3 wrong answers)"


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_transient_status_is_waited_out(status):
    result = answered_by(script(status, status, status, status, 200))
    assert (result.verdict, result.attempts) == (Verdict.PASS, 6)


def test_transient_status_is_right_when_expected(application):
    result = run(smoke(application.url, get("/busy", expect=Answer(status=503))))
    assert result.verdict is Verdict.PASS


def test_transient_status_is_wrong_when_its_body_is(application):
    expect = Answer(status=503, json={"ok": True})
    result = run(smoke(application.url, get("/busy", expect=expect)))
    assert result.verdict is Verdict.FAIL


def test_right_answers_too_slow_for_the_deadline_are_inconclusive():
    def slow(request: httpx.Request) -> httpx.Response:
        time.sleep(SHORT_MS / 2000)
        return httpx.Response(200, json={"ok": True})

    result = answered_by(slow, passes=1000, deadline_ms=SHORT_MS)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.attempts < 10


def test_calls_take_turns_on_warm_connections(application):
    run(smoke(application.url, get("/fine"), passes=CONNECTIONS * 3))
    assert len(application.clients) == CONNECTIONS * 3
    assert len(set(application.clients)) == CONNECTIONS


def test_cookie_is_not_sent_back(application):
    run(smoke(application.url, get("/session"), passes=CONNECTIONS + 1))
    assert set(application.cookies) == {None}


def test_proxy_of_the_environment_is_not_used(application, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert run(smoke(application.url, get("/fine"))).verdict is Verdict.PASS


def test_request_is_sent_as_declared():
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    probe = Probe(
        name="p", method="POST", path="/a?b=c", headers={"X-A": "1"}, json={"k": [1]}
    )
    test = smoke("http://app/prefix", probe, passes=1)
    transport = httpx.MockTransport(handler)
    with httpx.Client(base_url=test.base_url, transport=transport) as client:
        run_probes(test, client)
    assert (seen[0].method, str(seen[0].url)) == ("POST", "http://app/prefix/a?b=c")
    assert seen[0].headers["X-A"] == "1"
    assert seen[0].content == b'{"k":[1]}'


def test_every_probe_is_run_whatever_the_others_show(application):
    test = smoke(application.url, get("/broken"), get("/fine"))
    with client_for(test) as client:
        found = [(r.name, r.verdict) for r in run_probes(test, client)]
    assert found == [("/broken", Verdict.FAIL), ("/fine", Verdict.PASS)]


def test_baseline_runs_what_needs_no_migration(application):
    new = get("/broken", needs_migration=True)
    test = smoke(application.url, get("/fine"), new, passes=100)
    with client_for(test) as client:
        results = run_baseline(test, client)
    assert [(r.name, r.passes) for r in results] == [("/fine", BASELINE_PASSES)]


def test_baseline_asks_no_more_than_the_smoke_test(application):
    test = smoke(application.url, get("/fine"), passes=1)
    with client_for(test) as client:
        assert run_baseline(test, client)[0].passes == 1


@pytest.mark.parametrize("value", [ORG, ORG.upper()])
def test_read_back_passes_when_the_cell_is_right(application, value):
    test = smoke(application.url, get("/fine", read_back=READ_BACK))
    result = run(test, lambda cell: value if cell.where == {"id": "1"} else None)
    assert result.verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (OTHER_ORG, f"users.org holds {OTHER_ORG} instead of {ORG}"),
        (None, f"users.org holds NULL instead of {ORG}"),
        (SECRET, f"users.org holds another value instead of {ORG}"),
    ],
)
def test_read_back_fails_when_the_cell_is_wrong(application, value, said):
    test = smoke(application.url, get("/fine", read_back=READ_BACK))
    result = run(test, lambda cell: value)
    assert result.verdict is Verdict.FAIL
    assert f"the answer was right, but {said}" in result.detail


@pytest.mark.usefixtures("one_setback_is_enough")
def test_read_back_that_cannot_be_made_is_inconclusive(application):
    def read_cell(cell: Cell) -> str:
        raise ConnectionFailed(SECRET)

    test = smoke(application.url, get("/fine", read_back=READ_BACK))
    result = run(test, read_cell)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "users.org could not be read back" in result.detail
    assert SECRET not in result.detail


def test_read_back_waits_for_the_right_answer(application):
    def read_cell(cell: Cell) -> str:
        raise AssertionError("asked in vain")

    test = smoke(application.url, get("/broken", read_back=READ_BACK))
    assert run(test, read_cell).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    "path", ["/broken", "/other_json", "/html", "/redirect", "/busy", "/garbage"]
)
def test_nothing_secret_is_kept_or_logged(application, caplog, path):
    caplog.set_level(logging.DEBUG)
    url = application.url.replace("//", f"//user:{SECRET}@")
    headers = {"Authorization": f"Bearer {SECRET}"}
    probe = get(f"{path}?token={SECRET}", headers=headers)
    test = smoke(url, probe.model_copy(update={"name": "p"}), deadline_ms=SHORT_MS)
    assert SECRET not in repr(run(test))
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        f"{SECRET}:8000",
        "http://",
        f"ftp://{SECRET}",
        f"http://{SECRET}:99999",
        f"http://{SECRET}:0",
        "http://[::1",
        f"http://{SECRET}\n",
        f"http://app?token={SECRET}",
        f"http://app#{SECRET}",
    ],
)
def test_base_url_that_is_none_is_refused(base_url):
    with pytest.raises(TargetError, match=r"^smoke\.base_url") as caught:
        client_for(smoke(base_url, get("/")))
    assert SECRET not in str(caught.value)


def test_interrupt_passes_at_once(application):
    main = threading.main_thread().ident
    assert main is not None
    test = smoke(application.url, get("/silent"))
    begin = time.monotonic()
    timer = threading.Timer(0.2, signal.pthread_kill, (main, signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        timer.start()
        run(test)
    assert time.monotonic() - begin < BOUNDED_S


def leaves(kind: type[Exception]) -> Iterator[type[Exception]]:
    for child in kind.__subclasses__():
        yield from leaves(child)
    if not kind.__subclasses__():
        yield kind


@pytest.mark.parametrize("kind", list(leaves(httpx.TransportError)))
def test_every_transport_error_has_words_of_its_own(kind):
    words = cause_in_words(kind(SECRET))
    assert words not in ("", cause_in_words(httpx.HTTPError("")))
    assert SECRET not in words


@pytest.mark.usefixtures("one_setback_is_enough")
@pytest.mark.parametrize("kind", list(leaves(httpx.RequestError)))
def test_every_request_error_is_inconclusive(kind):
    def handler(request: httpx.Request) -> httpx.Response:
        raise kind(SECRET)

    result = answered_by(handler)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert cause_in_words(kind("")) in result.detail


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (ssl.SSLCertVerificationError(SECRET), "certificate was not accepted"),
        (ssl.SSLError(SECRET), "the TLS handshake failed"),
        (socket.gaierror(socket.EAI_NONAME, SECRET), "the host name was not resolved"),
        (OSError(errno.ECONNREFUSED, SECRET), "the connection was refused"),
        (OSError(errno.ENETUNREACH, os.strerror(1)), "no connection could be made"),
    ],
)
def test_cause_is_the_operating_systems(cause, words):
    error = httpx.ConnectError(SECRET)
    error.__cause__ = RuntimeError()
    error.__cause__.__context__ = cause
    assert words in cause_in_words(error)
