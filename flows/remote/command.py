"""`pgflight run`: a run elsewhere, with the exit code of its outcome."""

import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from rich.console import Console

from flows.here import STOPPED
from flows.migration.report import Report
from flows.migration.report_json import report_as_json
from flows.remote.api import server
from flows.remote.ending import report_of, report_of_deleted
from flows.remote.page import page_of
from flows.remote.start import Started, Wanted, start
from flows.remote.watch import PICKUP_S, Watch
from flows.terminal import say, show_report

STILL_GOING = 60


@dataclass(frozen=True)
class Following:
    """How a run is followed.

    Attributes:
        timeout_s: None for as long as it takes.
    """

    is_wanted: bool
    timeout_s: float | None = None
    pickup_s: float = PICKUP_S


@dataclass(frozen=True)
class Result:
    """What the command ends with; no report where the run is not known to be over."""

    exit_code: int
    run: dict[str, Any]
    report: Report | None = None

    def as_json(self) -> dict[str, Any]:
        report = report_as_json(self.report) if self.report else {"outcome": None}
        return {**report, "exit_code": self.exit_code, "flow_run": self.run}


def run_remotely(console: Console, wanted: Wanted, following: Following) -> Result:
    """Start a run, and follow it if that is wanted.

    Raises:
        BadInput: the server does not answer, or does not take what is wanted.
    """
    with server() as client:
        started = start(client, wanted)
        about = _about(started)
        again = " again, by its idempotency key" if started.was_there else ""
        say(console, f"Run {started.run.name}{again}: {about['url']}")
        if not following.is_wanted:
            return Result(0, about)
        limit = following.timeout_s
        watch = Watch(
            client,
            started,
            lambda text, level: say(console, text, _style(level)),
            until=None if limit is None else time.monotonic() + limit,
            pickup_s=following.pickup_s,
        )
        action = wanted.deployment.partition("-")[0]
        try:
            run = _followed(watch)
        except KeyboardInterrupt:
            say(console, f"Stopped following. {_goes_on(about, watch)}", "yellow")
            return Result(STOPPED, about)
        except ObjectNotFound:
            report = report_of_deleted(client, started.run, action)
            return Result(report.exit_code, about, report)
        if run is None:
            late = f"Not over after {limit:,.0f} s. {_goes_on(about, watch)}"
            say(console, late, "yellow")
            return Result(STILL_GOING, about)
        report = report_of(client, run, action)
    return Result(report.exit_code, about, report)


def _followed(watch: Watch) -> FlowRun | None:
    # Prefect asks again for a minute; whoever watches wants to know sooner.
    patience = temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 1})
    with _stopped_by_signals(), patience:
        return watch.follow()


def show_result(console: Console, result: Result) -> None:
    """The run's report, where there is one."""
    if result.report:
        show_report(console, result.report)


def named(
    migration: str | None, target: str | None, folder: str | None
) -> Mapping[str, str]:
    """The parameters that have an argument of their own."""
    given = {"migration": migration, "target": target, "folder": folder}
    return {name: value for name, value in given.items() if value is not None}


def _about(started: Started) -> dict[str, Any]:
    run = started.run
    url = page_of(run.id) or f"flow run {run.id}"
    return {"id": str(run.id), "name": run.name, "url": url}


def _goes_on(about: dict[str, Any], watch: Watch) -> str:
    goes_on = (
        "Whether the run goes on is not known: the Prefect API does not answer"
        if watch.is_lost
        else "The run goes on"
    )
    return (
        f"{goes_on}. Look there: {about['url']}\nTo cancel it: prefect flow-run cancel"
        f" {about['id']}"
    )


def _style(level: int) -> str | None:
    return "red" if level >= 40 else "yellow" if level >= 30 else None


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """CI cancels a job with SIGTERM: that ends the following, as Ctrl-C does.

    Ctrl-C itself is ignored in what a script has started in the background.
    """
    both = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(one, signal.default_int_handler) for one in both]
    try:
        yield
    finally:
        for one, handler in zip(both, before, strict=True):
            signal.signal(one, handler)
