"""The report of a run for whoever started it here, also if the run is interrupted."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from flows.migration.report import Report

_KEPT: ContextVar[list[Report] | None] = ContextVar("pgflight_reports", default=None)


@contextmanager
def keeping_reports() -> Iterator[list[Report]]:
    """The reports that are closed in the block; the outermost run's is the last one."""
    kept: list[Report] = []
    token = _KEPT.set(kept)
    try:
        yield kept
    finally:
        _KEPT.reset(token)


def keep(report: Report) -> None:
    """Keep a report that is closed, if anybody wants it."""
    kept = _KEPT.get()
    if kept is not None:
        kept.append(report)
