"""The report's pages: the outcome first, and nothing from outside breaks them."""

from typing import Any

import pytest
from markdown_it import MarkdownIt

from flows.migration.check import Check
from flows.migration.finding import Finding, Level
from flows.migration.outcome import Outcome
from flows.migration.plan import Plan, Step
from flows.migration.probe import ProbeResult, Verdict
from flows.migration.report import (
    Applied,
    Conflict,
    LockHeld,
    Phase,
    Report,
    Restored,
    Saved,
    StatementTiming,
    Waits,
)
from flows.migration.report_page import (
    checks_page,
    findings_page,
    locks_page,
    probes_page,
    report_page,
)
from tests.migration.test_markdown import HOSTILE, tags

EVIL = "a|b`c\n\n# x <img src=x> ~~~ ``` [y](http://z) | d"
PAGES = [report_page, findings_page, locks_page, checks_page, probes_page]


def flown(name: str = "platform.users") -> Report:
    """A deployment that was rolled back; ``name`` stands wherever one can."""
    held = LockHeld(
        table=name, mode="ACCESS EXCLUSIVE", blocks="reads and writes", held_ms=84
    )
    waits = Waits(sessions=2, longest_ms=31, longest_for=name, samples=9)
    done = StatementTiming(where=name, summary=name, milliseconds=3, rows=450)
    applied = Applied(
        total_ms=90, rows=450, statements=[done], locks=[held], waits=waits, checks=[]
    )
    back = Report(action="rollback", version="008", run_id="2", applied=applied)
    back.saved = [Saved(table=name, column=name, rows=450)]
    back.errors = [name]
    conflict = Conflict(reason=name, rows=2, first_keys=[name])
    return Report(
        action="deploy",
        version="008",
        title=name,
        run_id="1",
        target=name,
        budget_ms=2_000,
        findings=[Finding(level=Level.WARNING, rule=name, message=name, help=name)],
        baseline=[ProbeResult(name=name, verdict=Verdict.PASS, detail=name)],
        applied=applied,
        locks_in_vain=[held],
        checks=[Check(kind=name, subject=name, verdict=Verdict.FAIL, detail=name)],
        probes=[ProbeResult(name=name, verdict=Verdict.FAIL, detail=name)],
        rollback=back.conclude(Outcome.ROLLED_BACK),
        saved=back.saved,
        restored=[Restored(table=name, column=name, rows=1, conflicts=[conflict])],
        approval=name,
        errors=[name],
        phases=[Phase(name="apply", seconds=0.1)],
    ).conclude(Outcome.ROLLED_BACK)


def structure(page: str) -> list[str]:
    """What the page consists of, without the words."""
    parser = MarkdownIt("gfm-like", {"linkify": False, "html": True})
    return [token.type for token in parser.parse(page)]


def test_outcome_and_meaning_come_first() -> None:
    lines = report_page(flown()).splitlines()
    assert lines[0] == "# ↩️ ROLLED_BACK: deploy 008, platform.users"
    assert lines[2] == "**The database is as it was before.**"


def test_page_says_what_happened_what_was_felt_and_what_is_left() -> None:
    head = report_page(flown()).split("## ")[0]
    assert "**What happened:** Applied in one transaction in 90 ms, 450 rows;" in head
    assert "then taken back in one transaction" in head
    assert "the longest 31 ms of a budget of 2,000 ms" in head
    assert "1. `pgflight deploy 008`: correct what is wrong" in head


def test_needs_decision_names_both_choices() -> None:
    page = report_page(flown().conclude(Outcome.NEEDS_DECISION))
    assert "1. `pgflight deploy 008`: keep it" in page
    assert "2. `pgflight rollback 008`: or take it back" in page


def test_approval_is_told_with_who() -> None:
    report = flown()
    report.approval = "Approved by Ann on 2026-11-26"
    assert "**Approval:** Approved by Ann on 2026-11-26." in report_page(report)


def test_of_several_migrations_each_has_its_own_part() -> None:
    bad = Report(action="verify", version="008", run_id="1", errors=["no index"])
    good = Report(action="verify", version="006", run_id="1")
    night = Report(action="verify", version="", run_id="1", target="owner on app")
    night.verified = [
        good.conclude(Outcome.NOTHING_TO_DO),
        bad.conclude(Outcome.NEEDS_DECISION),
    ]
    night.errors = ["008: no index"]
    page = report_page(night.conclude_all())
    assert "Verify 006: NOTHING\\_TO\\_DO; verify 008: NEEDS\\_DECISION." in page
    assert "`pgflight rollback 008`" in page
    assert "\n## ✋ NEEDS_DECISION: verify 008\n" in page
    assert "- target: `owner on app`" in page


def test_success_leaves_nothing_to_do() -> None:
    report = Report(action="deploy", version="008", run_id="1")
    assert "**Left to do:** nothing." in report_page(report.conclude(Outcome.DEPLOYED))


def test_worst_comes_first() -> None:
    report = flown()
    report.findings = [
        Finding(level=level, rule=level, message=level)
        for level in (Level.OK, Level.WARNING, Level.BLOCK)
    ]
    page = findings_page(report)
    assert page.index("`block`") < page.index("`warning`") < page.index("`ok`")
    assert page.startswith("# Preflight of 008: 1 reason not to deploy")


def test_probe_is_shown_before_and_after() -> None:
    row = probes_page(flown()).splitlines()[-1]
    assert "✅\u00a0pass | ❌\u00a0fail" in row


def test_locks_of_attempts_in_vain_are_told_apart() -> None:
    assert locks_page(flown()).count("ACCESS EXCLUSIVE") == 2
    assert "Of attempts that came to nothing:" in locks_page(flown())


def test_nobody_looking_is_said() -> None:
    report = flown()
    assert report.applied
    report.rollback = None
    report.applied.waits = Waits()
    assert "who waited is not known" in report_page(report).lower()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.__name__)
@pytest.mark.parametrize("name", [EVIL, *filter(str.strip, HOSTILE)])
def test_no_name_changes_the_page(page: type[str], name: str) -> None:
    assert structure(page(flown(name))) == structure(page(flown()))
    assert not tags(page(flown(name))) & {"img", "a", "html_inline", "html_block", "hr"}


def test_no_name_changes_the_plan() -> None:
    def planned(name: str) -> str:
        said: dict[str, Any] = {"where": name, "summary": name, "statements": [name]}
        step = Step(number=1, kind="brief", locks=[], **said)
        plan = Plan(
            version="008",
            title=name,
            strategy="online",
            reason=name,
            budget_ms=2_000,
            steps=[step],
            locks=[],
        )
        return plan.as_markdown()

    assert structure(planned(EVIL)) == structure(planned("plain"))
