"""The report for machines: its keys are a promise, and docs/report.md has them all."""

import json
import re
from pathlib import Path
from typing import Any

from flows.migration.outcome import Outcome
from flows.migration.report import Report
from flows.migration.report_json import report_as_json
from tests.migration.test_report_page import flown

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "report.md"


def keys(value: Any, name: str = "") -> set[str]:
    """Every key, with those it is below; of a list those of its elements."""
    if isinstance(value, list):
        return {key for item in value for key in keys(item, name)}
    if not isinstance(value, dict):
        return set()
    found = set()
    for key, item in value.items():
        path = f"{name}.{key}" if name else key
        found.add(path)
        # A report inside of another one has the same keys.
        if key not in ("rollback", "recovered", "verified"):
            found |= keys(item, path)
    return found


def test_keys_are_those_that_are_documented() -> None:
    documented = set(re.findall(r"^\| `([a-z_.]+)` \|", DOCUMENT.read_text(), re.M))
    assert keys(report_as_json(flown())) == documented


def test_report_inside_of_another_has_the_same_keys() -> None:
    told = report_as_json(flown())
    assert told["rollback"].keys() == told.keys() - {"format"}


def test_json_says_how_it_ended() -> None:
    told = json.loads(json.dumps(report_as_json(flown())))
    wanted = {"outcome": "ROLLED_BACK", "exit_code": 20, "commit": "NOT_SENT"}
    assert {key: told[key] for key in wanted} == wanted
    assert told["rollback"]["exit_code"] == 0
    assert told["left_to_do"][0]["command"] == "pgflight deploy 008"


def test_recovery_has_the_reports_of_what_it_recovered() -> None:
    report = Report(action="recover", version="", run_id="1")
    report.recovered = [flown()]
    told = report_as_json(report.conclude(Outcome.ROLLED_BACK))
    assert told["recovered"][0]["outcome"] == "ROLLED_BACK"
