"""The report as a page: understood in ten seconds, and every detail below that."""

from collections.abc import Iterable

from flows.migration.advice import left_to_do, meaning
from flows.migration.commit_state import CommitState
from flows.migration.markdown import code, text
from flows.migration.markdown import lines as said
from flows.migration.outcome import Outcome
from flows.migration.probe import Verdict
from flows.migration.report import Applied, LockHeld, Report, Waits
from flows.migration.report_tables import (
    check_table,
    finding_table,
    lock_table,
    probe_table,
    restored_table,
    saved_table,
    statement_table,
)
from flows.migration.timeline import seconds, timeline

MARKS = {
    Outcome.DEPLOYED: "✅",
    Outcome.NOTHING_TO_DO: "✅",
    Outcome.RESTORED: "✅",
    Outcome.BLOCKED: "⛔",
    Outcome.ROLLED_BACK: "↩️",
    Outcome.ROLLBACK_FAILED: "🚨",
    Outcome.NEEDS_DECISION: "✋",
    Outcome.UNKNOWN: "❓",
}


def report_page(report: Report) -> str:
    """The whole report as Markdown."""
    lines = [f"# {_headline(report)}", "", f"**{_sentence(meaning(report))}**", ""]
    lines += _in_short(report)
    lines += _section("Why", _errors(report))
    lines += _section("Timeline", timeline(report))
    lines += _details(report)
    for part in report.parts:
        lines += _section(_headline(part), _part(part))
    if report.rollback:
        name = f"The rollback: {report.rollback.outcome}"
        lines += _section(name, _part(report.rollback))
    lines += _section("Run", _run(report))
    return "\n".join(lines).rstrip() + "\n"


def findings_page(report: Report) -> str:
    """What preflight has found."""
    blocking = len(report.blocking)
    result = f"{blocking} reasons not to deploy" if blocking else "cleared"
    if blocking == 1:
        result = "1 reason not to deploy"
    title = f"# Preflight of {text(report.version)}: {result}"
    return "\n".join([title, "", *finding_table(report.findings)]) + "\n"


def locks_page(report: Report) -> str:
    """What the application felt, lock by lock."""
    title = f"# What users felt of {text(report.action)} {text(report.version)}"
    return "\n".join([title, "", _felt(report), *_locks(report)]) + "\n"


def checks_page(report: Report) -> str:
    """What is in place, held against what was promised."""
    verdict = tally_of_checks(report)
    title = f"# Checks of {text(report.version)}: {verdict}"
    return "\n".join([title, "", *check_table(report.checks)]) + "\n"


def probes_page(report: Report) -> str:
    """What the application answers now, beside what it answered before."""
    now = tally(probe.verdict for probe in report.probes or report.baseline)
    when = "Probes" if report.probes else "Baseline"
    title = f"# {when} of {text(report.action)} {text(report.version)}: {now}"
    table = probe_table(report.baseline, report.probes)
    return "\n".join([title, "", *table]) + "\n"


def tally(verdicts: Iterable[Verdict]) -> str:
    """How many of each verdict, such as ``14 pass, 1 fail``."""
    found = list(verdicts)
    counts = ((verdict, found.count(verdict)) for verdict in Verdict)
    return ", ".join(f"{count} {verdict}" for verdict, count in counts if count)


def tally_of_checks(report: Report) -> str:
    """The same of its checks, with those that have passed and warn."""
    warnings = sum(check.is_warning for check in report.checks)
    told = f", {warnings} of these with a warning" if warnings else ""
    return f"{tally(check.verdict for check in report.checks)}{told}"


def _headline(report: Report) -> str:
    assert report.outcome is not None
    mark = "✅" if report.is_success else MARKS[report.outcome]
    what = f"{report.action} {report.version}".strip()
    title = f", {text(report.title)}" if report.title else ""
    return f"{mark} {report.outcome}: {text(what)}{title}"


def _in_short(report: Report) -> list[str]:
    lines = [f"- **What happened:** {_happened(report)}"]
    if report.approval:
        lines.append(f"- **Approval:** {_sentence(text(report.approval))}")
    lines.append(f"- **What users felt:** {_felt(report)}")
    if report.checks or report.probes:
        lines.append(f"- **What was checked:** {_checked(report)}")
    todo = left_to_do(report)
    if not todo:
        return [*lines, "- **Left to do:** nothing."]
    lines.append("- **Left to do:**")
    for number, advice in enumerate(todo, start=1):
        said = text(advice.what)
        command = f"{code(advice.command)}: " if advice.command else ""
        lines.append(f"  {number}. {command}{said}")
    return lines


def _happened(report: Report) -> str:
    if report.action == "recover" or report.parts:
        parts = [text(part.summary) for part in report.parts]
        return _sentence("; ".join(parts) or "there was nothing to go on with")
    if report.outcome is Outcome.NOTHING_TO_DO or report.action == "verify":
        return "It was looked at, and nothing was changed."
    said = _done(report)
    back = report.rollback
    if back:
        done = _applied(back.action, back.applied) if back.applied else ""
        said += f"; then {done or 'the rollback was tried'}"
    return _sentence(said)


def _done(report: Report) -> str:
    if report.action == "restore":
        rows = sum(restored.rows for restored in report.restored)
        return f"{rows:,} rows were put back"
    if report.applied:
        return _applied(report.action, report.applied)
    if report.outcome is Outcome.DEPLOYED:
        return "applied by an earlier run; it was verified, tested and accepted now"
    return _COMMITS[report.commit]


_COMMITS = {
    CommitState.NOT_SENT: "this run has committed nothing",
    CommitState.SENT: "COMMIT was sent",
    CommitState.ACKED: "some of its steps were committed",
    CommitState.RECONCILED_COMMITTED: "some of its steps were committed",
    CommitState.RECONCILED_ABORTED: "the connection was lost at COMMIT, and the ledger"
    " shows that nothing was committed",
    CommitState.UNKNOWN: "COMMIT was sent, and its answer was lost",
}


def _applied(action: str, applied: Applied) -> str:
    how = "in short steps" if applied.strategy == "online" else "in one transaction"
    done = "taken back" if action == "rollback" else "applied"
    rows = f", {applied.rows:,} rows" if applied.rows else ""
    again = f", at attempt {applied.attempt}" if applied.attempt > 1 else ""
    lost = applied.commit is CommitState.RECONCILED_COMMITTED
    found = ", the COMMIT's answer lost and found in the ledger" if lost else ""
    alone = "" if applied.is_replicated else ", confirmed by no standby"
    took = seconds(applied.total_ms)
    return f"{done} {how} in {took}{rows}{again}{found}{alone}"


def _felt(report: Report) -> str:
    waits = _all_waits(report)
    locks = [lock for lock in _all_locks(report) if "writes" in lock.blocks]
    if not locks and not waits.samples:
        return "nothing: no lock was taken that an application waits for."
    if not waits.samples:
        said = "who waited is not known, the watcher could not look"
    elif not waits.sessions:
        said = "nobody was seen waiting"
    else:
        sessions = (
            "1 session" if waits.sessions == 1 else f"{waits.sessions:,} sessions"
        )
        what = f" for {code(waits.longest_for)}" if waits.longest_for else ""
        said = (
            f"{sessions} waited, the longest {seconds(waits.longest_ms)} of a budget of"
            f" {report.budget_ms:,} ms{what}"
        )
    longest = max(locks, key=lambda lock: lock.held_ms, default=None)
    if longest is None:
        return _sentence(said)
    held = seconds(longest.held_ms)
    return _sentence(
        f"{said}; {longest.blocks} of {code(longest.table)} were locked for {held}"
    )


def _all_waits(report: Report) -> Waits:
    # What an attempt in vain made wait is in `applied` already.
    waits = report.applied.waits if report.applied else report.waits_in_vain
    for part in (report.rollback, *report.recovered):
        if part:
            waits += _all_waits(part)
    return waits


def _all_locks(report: Report) -> list[LockHeld]:
    locks = [*(report.applied.locks if report.applied else ()), *report.locks_in_vain]
    for part in (report.rollback, *report.recovered):
        if part:
            locks += _all_locks(part)
    return locks


def _checked(report: Report) -> str:
    said = []
    if report.checks:
        said.append(f"checks: {tally_of_checks(report)}")
    if report.probes:
        probes = tally(probe.verdict for probe in report.probes)
        calls = sum(probe.attempts for probe in report.probes)
        said.append(f"probes: {probes}, {calls} calls")
    return _sentence("; ".join(said))


def _part(report: Report) -> list[str]:
    """A run inside of another one; its timeline is in that one's."""
    errors = _errors(report)
    gap = [""] if errors else []
    return [_happened(report), *gap, *errors, *_details(report, level=3)]


def _details(report: Report, level: int = 2) -> list[str]:
    probes = probe_table(report.baseline, report.probes)
    statements = report.applied.statements if report.applied else []
    return [
        *_section("Locks", _locks(report), level),
        *_section("Checks", check_table(report.checks), level),
        *_section("Probes", probes, level),
        *_section("Saved", saved_table(report.saved), level),
        *_section("Put back", restored_table(report.restored), level),
        *_section("Statements", statement_table(statements), level),
        *_section("Preflight", finding_table(report.findings), level),
    ]


def _errors(report: Report) -> list[str]:
    lines: list[str] = []
    for error in report.errors:
        # The mark also keeps an error from beginning like a list, say.
        shown = f"❌ {said(error)}"
        lines += ["", shown] if lines else [shown]
    return lines


def _locks(report: Report) -> list[str]:
    lines: list[str] = []
    if report.applied:
        lines += ["", *lock_table(report.applied.locks)]
    if report.locks_in_vain:
        came_to_nothing = "Of attempts that came to nothing:"
        lines += ["", came_to_nothing, "", *lock_table(report.locks_in_vain)]
    return lines


def _run(report: Report) -> list[str]:
    ended = report.ended_at or report.started_at
    took = (ended - report.started_at).total_seconds() * 1_000
    return [
        f"- target: {code(report.target) or 'none'}",
        f"- run: {code(report.run_id)}",
        f"- began: {report.started_at:%Y-%m-%d %H:%M:%S %Z}, took {seconds(took)}",
        f"- COMMIT: {report.commit}",
    ]


def _section(name: str, lines: list[str], level: int = 2) -> list[str]:
    lines = lines[1:] if lines and not lines[0] else lines
    return ["", f"{'#' * level} {name}", "", *lines] if lines else []


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."
