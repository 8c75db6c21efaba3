"""The names of Prefect's final states: how an outcome gets to another machine.

A run's report is not stored with its state (results are not persisted), its name is.
Events are named after it, too: `prefect.flow-run.RolledBack`.
"""

from flows.migration.outcome import Outcome
from flows.migration.report import Report

BUSY = "Busy"
"""BLOCKED, because another run was at work."""

REPORT_KEY = "pgflight-report"
"""Where the whole report is left with the run, beside the inputs that Prefect keeps."""

_NAMES = {
    Outcome.NOTHING_TO_DO: "NothingToDo",
    Outcome.DEPLOYED: "Deployed",
    Outcome.RESTORED: "Restored",
    Outcome.BLOCKED: "Blocked",
    Outcome.ROLLED_BACK: "RolledBack",
    Outcome.ROLLBACK_FAILED: "RollbackFailed",
    Outcome.NEEDS_DECISION: "NeedsDecision",
    Outcome.UNKNOWN: "Unknown",
}
_OUTCOMES = {name: outcome for outcome, name in _NAMES.items()}

CUT_OFF = ("Crashed", "TimedOut", "Failed")
"""Prefect's own names for a run that did not come to an end of its own."""

SUSPENDED = "Suspended"
"""Prefect's own name for a run that waits for an approval."""

MOST_TOLD = 400
"""Characters of a state's message: it is also what a notification says."""


def name_of(report: Report) -> str:
    """The name of the state that a run with this report ends in."""
    assert report.outcome is not None
    is_busy = report.is_busy and report.outcome is Outcome.BLOCKED
    return BUSY if is_busy else _NAMES[report.outcome]


def message_of(report: Report) -> str:
    """What the state says beside its name: the summary; then where, and the reason."""
    said = report.summary
    if report.errors and not report.is_success:
        where = f"{report.target_name}: " if report.target_name else ""
        said += f"\n{where}{report.errors[0]}"
    return said if len(said) <= MOST_TOLD else f"{said[: MOST_TOLD - 1]}…"


def state_named(outcome: Outcome) -> str:
    """The name of the state of an outcome."""
    return _NAMES[outcome]


def outcome_named(name: str) -> Outcome | None:
    """The outcome that a state's name tells; None for a name of Prefect's own."""
    return Outcome.BLOCKED if name == BUSY else _OUTCOMES.get(name)
