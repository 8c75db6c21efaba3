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

ALARMING = tuple(
    _NAMES[outcome]
    for outcome in (
        Outcome.ROLLED_BACK,
        Outcome.ROLLBACK_FAILED,
        Outcome.NEEDS_DECISION,
        Outcome.UNKNOWN,
    )
)
"""What somebody is to be told of at once."""


def name_of(report: Report) -> str:
    """The name of the state that a run with this report ends in."""
    assert report.outcome is not None
    is_busy = report.is_busy and report.outcome is Outcome.BLOCKED
    return BUSY if is_busy else _NAMES[report.outcome]


def outcome_named(name: str) -> Outcome | None:
    """The outcome that a state's name tells; None for a name of Prefect's own."""
    return Outcome.BLOCKED if name == BUSY else _OUTCOMES.get(name)
