"""Preflight as tasks: for a deployment, and for a rollback."""

import logging
from pathlib import Path

from flows.database.preflight.clearance import clear
from flows.database.preflight.flight import describe, flight_of
from flows.migration.errors import NotCleared
from flows.migration.finding import Finding, Level
from flows.migration.flight import Flight
from flows.migration.report import Report
from flows.migration.strategy import Terms
from flows.targets import aimed_at
from flows.tasks.engine import run_log
from flows.tasks.pinned import pinned_findings
from flows.tasks.publishing import publish_findings
from flows.tasks.step import reading_step

_SHOWN_AS = {
    Level.OK: (logging.INFO, "✅"),
    Level.INFO: (logging.INFO, "ℹ️ "),  # noqa: RUF001
    Level.WARNING: (logging.WARNING, "⚠️ "),
    Level.BLOCK: (logging.ERROR, "❌"),
}


@reading_step("preflight")
def preflight(report: Report, migration: str, folder: str, terms: Terms) -> Flight:
    """Clear the migration for its target.

    Raises:
        NotCleared: with every reason, not the first.
    """
    with report.phase("preflight"):
        clearance = clear(Path(folder), migration, aimed_at, terms)
    clearance.findings += pinned_findings(clearance)
    describe(report, clearance)
    log_findings(report, clearance.findings)
    publish_findings(report)
    if clearance.blocking:
        raise NotCleared(
            "\n".join(finding.message for finding in clearance.blocking),
            "\n".join(finding.help for finding in clearance.blocking if finding.help),
        )
    return flight_of(report, clearance, terms)


def log_findings(report: Report, findings: list[Finding]) -> None:
    """Keep the findings in the report and show each by its weight."""
    report.findings = findings
    log = run_log()
    for finding in findings:
        level, mark = _SHOWN_AS[finding.level]
        needs_help = finding.help and finding.level in (Level.WARNING, Level.BLOCK)
        text = (
            f"{finding.message}\n   → {finding.help}" if needs_help else finding.message
        )
        log.log(level, "%s %s", mark, text)
