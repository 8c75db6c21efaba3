"""Publishing: a courtesy, for which no run fails or waits long."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from urllib.parse import urlsplit

import pytest
from prefect import flow
from prefect.settings import PREFECT_API_URL

from flows.migration.outcome import Outcome
from flows.migration.report import Report
from flows.tasks import publishing
from flows.tasks.engine import without_prefect
from tests.fix_sabotage import listener

pytestmark = pytest.mark.usefixtures("prefect")


@contextmanager
def silent_api() -> Iterator[None]:
    """Prefect's server takes calls, and answers none."""
    pid = listener(urlsplit(str(PREFECT_API_URL.value())).port)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.fixture
def ended() -> Report:
    report = Report(action="deploy", version="008", run_id="1")
    return report.conclude(Outcome.DEPLOYED)


def within_a_run(body: Callable[[], None], is_silent: bool = False) -> float:
    """How long that takes inside of a flow."""

    @flow(name="test", persist_result=False)
    def run() -> float:
        with silent_api() if is_silent else nullcontext():
            started = time.monotonic()
            body()
            return time.monotonic() - started

    return run()


def test_all_pages_together_are_waited_for_once(
    ended: Report, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(publishing, "PATIENCE_S", 0.5)

    def publish() -> None:
        publishing.publish_findings(ended)
        publishing.publish_report(ended)

    # One call alone that hangs takes over a minute.
    assert 0.5 <= within_a_run(publish, is_silent=True) < 60
    assert "2 artifacts could not be published" in caplog.text


def test_page_under_way_delays_nothing(ended: Report) -> None:
    """What comes after it may be what the application waits for."""
    done: list[bool] = []

    def publish() -> None:
        publishing.publish_findings(ended)
        done.append(publishing._under_way[-1].is_done)

    within_a_run(publish, is_silent=True)
    assert done == [False]
    within_a_run(publishing.finish_publishing)


def test_mistake_in_a_page_fails_no_run(
    ended: Report, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(report: Report) -> str:
        raise ValueError("no such words")

    monkeypatch.setattr(publishing, "report_page", broken)
    within_a_run(lambda: publishing.publish_report(ended))
    assert "no such words" in caplog.text


def test_nothing_is_published_without_prefect(ended: Report) -> None:
    with without_prefect():
        publishing.publish_findings(ended)
        publishing.publish_report(ended)
    assert publishing._under_way == []


@pytest.mark.parametrize("text", ["report-008_É/ü", "RECOVER-", "x²"])
def test_key_is_one_that_prefect_takes(text: str) -> None:
    from prefect.client.schemas.actions import ArtifactCreate

    assert ArtifactCreate(key=publishing._key(text)).key
