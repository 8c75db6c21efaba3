"""The report for machines; docs/report.md has every key, and a test holds them."""

from typing import Any

from flows.migration.advice import left_to_do, meaning
from flows.migration.report import Report

FORMAT = 1
"""Raised when a key goes, or means something else; not when one comes."""

_INNER = {"rollback", "recovered", "verified"}
"""Reports inside of a report."""


def report_as_json(report: Report) -> dict[str, Any]:
    """One JSON document: what the report holds, and what follows from it."""
    return {"format": FORMAT, **_told(report)}


def _told(report: Report) -> dict[str, Any]:
    return {
        "outcome": report.outcome,
        "exit_code": report.exit_code,
        "meaning": meaning(report),
        "left_to_do": [
            {"what": advice.what, "command": advice.command}
            for advice in left_to_do(report)
        ],
        **report.model_dump(mode="json", exclude={"outcome", *_INNER}),
        "rollback": _told(report.rollback) if report.rollback else None,
        "recovered": [_told(part) for part in report.recovered],
        "verified": [_told(part) for part in report.verified],
    }
