"""Running a flow in this very process, with its log on a console.

Prefect is imported late: it takes two seconds, and its settings count only before.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from rich.console import Console

from flows.migration.errors import BadInput
from flows.migration.report import Report
from flows.terminal import say, show_runs_on

STOPPED = 130
"""Exit code of what was interrupted; 128 + SIGINT, as shells have it."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C or SIGTERM, after which the run still closed its report.

    Attributes:
        report: maybe only of a part of the run, such as one deployment of a recovery.
    """

    def __init__(self, report: Report) -> None:
        super().__init__()
        self.report = report


def run_here(
    console: Console,
    run: Callable[[], Any],
    when_closed: Callable[[Report], None] = lambda report: None,
) -> Report:
    """Run a flow that returns its state; returns the report that the state carries.

    Without PREFECT_API_URL Prefect starts a private server for this process, which
    takes about ten seconds the first time.

    Args:
        when_closed: is given the report, also that of a run that was interrupted.

    Raises:
        BadInput: Prefect does not answer, or has no place for its database; nothing
            was begun.
        Interrupted: the run was, and has a report.
    """
    prepare_prefect()
    from prefect.settings import PREFECT_API_URL

    # A profile of Prefect's may name one as well.
    if not PREFECT_API_URL.value():
        text = "With a private Prefect server for this run; PREFECT_API_URL names yours"
        say(console, text, "dim")
    _assert_prefect_answers()
    from flows.tasks.landed import keeping_reports
    from flows.tasks.landing import report_of

    show_runs_on(console)
    with _without_heartbeat(), _stopped_by_sigterm(), keeping_reports() as kept:
        try:
            return report_of(run())
        except BaseException as error:
            if isinstance(error, Exception) or not kept:
                raise
            raise Interrupted(kept[-1]) from None
        finally:
            if kept:
                when_closed(kept[-1])


@contextmanager
def _stopped_by_sigterm() -> Iterator[None]:
    """Prefect sends the signal once more when it is done: that is to end as Ctrl-C."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def prepare_prefect() -> None:
    """Settings that count only before Prefect is imported; the user's own win."""
    for name, value in {
        # A private server needs 11 s to start, more on a busy machine; its own
        # limit is 20 s.
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        # The run's log is shown by flows.terminal instead.
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    }.items():
        os.environ.setdefault(name, value)


def make_folder(path: Path, variable: str) -> None:
    """Make a folder of Prefect's where it lacks.

    Raises:
        BadInput: it cannot be made, or not be written to.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        reason = "" if os.access(path, os.W_OK) else "Permission denied"
    except OSError as error:
        reason = str(error.strerror)
    if reason:
        raise BadInput(
            f"{path}: Prefect cannot keep its database there: {reason}",
            f"Set {variable} to a directory that you may write to.",
        )


def _assert_prefect_answers() -> None:
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL, PREFECT_HOME

    from flows.remote.api import server

    if PREFECT_API_URL.value():
        with server():
            return
    make_folder(PREFECT_HOME.value(), "PREFECT_HOME")
    try:
        with get_client(sync_client=True) as client:
            failure = client.api_healthcheck()
    except RuntimeError as error:
        failure = error
    if failure:
        raise BadInput(
            "Prefect does not answer on its private server:"
            f" {type(failure).__name__}: {failure}; nothing was begun",
            "Try again, or start a server, and name it in PREFECT_API_URL.",
        )


def _without_heartbeat() -> AbstractContextManager[Any]:
    """A flow waits up to 1 s at its end for the heartbeat's thread.

    Nobody listens to the heartbeat of a run on its own private server.
    """
    from prefect.settings import (
        PREFECT_API_URL,
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
        temporary_settings,
    )

    if PREFECT_API_URL.value():
        return nullcontext()
    return temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None})
