"""The tables of the report's pages."""

from collections.abc import Iterable

from flows.migration.check import Check
from flows.migration.finding import Finding, Level
from flows.migration.markdown import code, lines, table, text, unbroken
from flows.migration.probe import ProbeResult, Verdict
from flows.migration.report import LockHeld, Restored, Saved, StatementTiming
from flows.migration.timeline import brief

MOST_STATEMENTS = 200

_WORST_FIRST = [Level.BLOCK, Level.WARNING, Level.INFO, Level.OK]
_LEVELS = {
    Level.BLOCK: unbroken("❌ block"),
    Level.WARNING: unbroken("⚠️ warning"),
    Level.INFO: "info",
    Level.OK: unbroken("✅ ok"),
}
_VERDICTS = {
    Verdict.PASS: unbroken("✅ pass"),
    Verdict.FAIL: unbroken("❌ fail"),
    Verdict.INCONCLUSIVE: unbroken("⚠️ inconclusive"),
}
_FAILURES_FIRST = [Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS]


def finding_table(findings: Iterable[Finding]) -> list[str]:
    """What was found, what it means, and what to do; the worst first."""
    ordered = sorted(findings, key=lambda one: _WORST_FIRST.index(one.level))
    return table(
        ("weight", "rule", "what, and what it means", "what to do"),
        [
            (_LEVELS[f.level], code(f.rule), lines(f.message), lines(f.help))
            for f in ordered
        ],
    )


def lock_table(locks: Iterable[LockHeld]) -> list[str]:
    """Each lock: where, which, what it keeps waiting, since when, how long."""
    rows = [
        (
            code(lock.table),
            text(lock.mode),
            text(lock.blocks),
            brief(lock.at_ms),
            brief(lock.held_ms),
        )
        for lock in sorted(locks, key=lambda one: -one.held_ms)
    ]
    return table(("table", "lock", "blocks", "taken at", "held"), rows)


def check_table(checks: Iterable[Check]) -> list[str]:
    """Each check with its verdict; failures first."""
    ordered = sorted(
        checks, key=lambda one: (_FAILURES_FIRST.index(one.verdict), not one.is_warning)
    )
    rows = [
        (
            _LEVELS[Level.WARNING] if c.is_warning else _VERDICTS[c.verdict],
            text(c.kind),
            code(c.subject),
            lines(c.detail),
        )
        for c in ordered
    ]
    return table(("verdict", "what", "name", "detail"), rows)


def probe_table(
    baseline: Iterable[ProbeResult], probes: Iterable[ProbeResult]
) -> list[str]:
    """Each probe before and after; a probe that needs the migration has no before."""
    before = {result.name: result for result in baseline}
    after = {result.name: result for result in probes}
    rows = []
    for name in dict.fromkeys([*before, *after]):
        told = after.get(name) or before[name]
        slowest = "" if told.slowest_ms is None else brief(told.slowest_ms)
        verdicts = _verdict(before.get(name)), _verdict(after.get(name))
        calls = f"{told.attempts:,}"
        rows.append((code(name), *verdicts, calls, slowest, lines(told.detail)))
    headings = ("probe", "before", "after", "calls", "slowest", "detail")
    return table(headings, rows)


def saved_table(saved: Iterable[Saved]) -> list[str]:
    """What a rollback has saved before it deleted it."""
    rows = [
        (
            code(f"{one.table}.{one.column}" if one.column else one.table),
            f"{one.rows:,}",
        )
        for one in saved
    ]
    return table(("of", "rows in pgflight.saved"), rows)


def restored_table(restored: Iterable[Restored]) -> list[str]:
    """What was put back, and what could not be and why."""
    rows = [
        (code(one.name), f"{one.rows:,}", lines("\n".join(one.left)))
        for one in restored
    ]
    return table(("of", "rows put back", "still saved"), rows)


def statement_table(statements: list[StatementTiming]) -> list[str]:
    """Each statement or online step as it ran."""
    rows = [
        (
            code(done.summary),
            brief(done.at_ms),
            brief(done.milliseconds),
            f"{done.rows:,}" if done.rows else "",
            code(done.where.rpartition("/")[2]),
        )
        for done in statements[:MOST_STATEMENTS]
    ]
    return table(("statement", "at", "took", "rows", "where"), rows)


def _verdict(result: ProbeResult | None) -> str:
    return _VERDICTS[result.verdict] if result else "–"  # noqa: RUF001
