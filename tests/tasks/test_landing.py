"""How a flight ends: what a person is told to type."""

from uuid import uuid4

from flows.database.unfinished import Unfinished
from flows.migration.outcome import Outcome
from flows.migration.report import Report
from flows.targets import aiming
from flows.tasks.landing import name_waiting


def test_what_waits_is_decided_on_its_own_target() -> None:
    report = Report(action="recover", version="", run_id="1")
    run = Unfinished(uuid4(), "008", "applied", None, Outcome.NEEDS_DECISION)
    with aiming("staging"):
        name_waiting(report, [run])
    assert "`pgflight deploy 008 --target staging` tries it again" in report.errors[0]
    assert "`pgflight rollback 008 --target staging` takes it" in report.errors[0]
