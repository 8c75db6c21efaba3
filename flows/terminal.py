"""What a person sees: progress as it happens, plans, standings and reports."""

import json
import logging
import sys
from collections.abc import Iterable
from pathlib import Path

import rich.progress
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from flows.migration.advice import left_to_do, meaning
from flows.migration.outcome import Outcome
from flows.migration.plan import Plan, seconds
from flows.migration.progress import Progress
from flows.migration.redaction import mask, masked_in, masked_model
from flows.migration.report import Report, Waits
from flows.migration.report_page import tally, tally_of_checks
from flows.migration.standing import Standing

_COLOURS = {
    Outcome.DEPLOYED: "green",
    Outcome.NOTHING_TO_DO: "green",
    Outcome.RESTORED: "green",
    Outcome.ROLLED_BACK: "yellow",
    Outcome.BLOCKED: "yellow",
    Outcome.NEEDS_DECISION: "red",
    Outcome.ROLLBACK_FAILED: "red",
    Outcome.UNKNOWN: "red",
}
_LEVEL_STYLES = {logging.WARNING: "yellow", logging.ERROR: "red"}


class RunLog(logging.Handler):
    """Shows what pgflight's own steps say; Prefect's engine only when it fails."""

    def __init__(self, console: Console) -> None:
        super().__init__(logging.INFO)
        self._console = console
        self._bar: rich.progress.Progress | None = None

    def emit(self, record: logging.LogRecord) -> None:
        for part in record.args if isinstance(record.args, tuple) else ():
            if isinstance(part, Progress) and self._console.is_terminal:
                self._move_bar(part)
                return
        is_engines = "/prefect/" in record.pathname
        # The border has written a masked traceback out.
        has_trace = bool(record.exc_text or (record.exc_info and record.exc_info[0]))
        if is_engines and not has_trace:
            return
        self._end_bar()
        text = self.format(record) if has_trace else record.getMessage()
        say(self._console, text, _LEVEL_STYLES.get(record.levelno))

    def _move_bar(self, progress: Progress) -> None:
        """Drawn in the last line, until something else is said."""
        if self._bar is None:
            self._bar = rich.progress.Progress(
                rich.progress.BarColumn(),
                rich.progress.TextColumn("{task.description}"),
                console=self._console,
                transient=True,
            )
            self._bar.add_task("", total=1.0)
            self._bar.start()
        (task,) = self._bar.task_ids
        text = escape(mask(progress))
        self._bar.update(task, completed=progress.share, description=text)
        if progress.is_over:
            self._end_bar()
            say(self._console, f"   {progress}")

    def _end_bar(self) -> None:
        if self._bar:
            self._bar.stop()
            self._bar = None


def say(console: Console, text: str, style: str | None = None) -> None:
    """One line as it is: no markup in it, and no line break but its own."""
    console.print(escape(mask(text)), style=style, highlight=False, soft_wrap=True)


def print_json(value: object) -> None:
    """One JSON document on standard output."""
    json.dump(masked_in(value), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


def show_runs_on(console: Console) -> None:
    """Send the log of all flow and task runs of this process to the console."""
    for name in ("prefect.flow_runs", "prefect.task_runs"):
        logger = logging.getLogger(name)
        if not any(isinstance(handler, RunLog) for handler in logger.handlers):
            logger.addHandler(RunLog(console))


def show_report(console: Console, report: Report) -> None:
    """The report: outcome first, then what users felt, then the details."""
    assert report.outcome is not None
    outcome = report.outcome
    colour = "green" if report.is_success else _COLOURS[outcome]
    console.print()
    console.rule(style=colour)
    title = f"{report.action} {report.version} {report.title}".rstrip()
    say(console, f"{outcome}  {title}", f"bold {colour}")
    say(console, f"   {meaning(report)}")
    for line in _lines(report):
        say(console, line)
    todo = left_to_do(report)
    say(console, "   left to do:" if todo else "   left to do: nothing")
    for number, advice in enumerate(todo, start=1):
        say(console, f"   {number}. {advice}")
    console.rule(style=colour)


def _lines(report: Report) -> Iterable[str]:
    yield from (f"   because: {_indented(error)}" for error in report.errors)
    if report.target:
        yield f"   target: {report.target}; run {report.run_id}"
    if report.approval:
        yield f"   {_indented(report.approval)}"
    yield from _what_users_felt(report)
    if report.checks:
        yield f"   checks: {tally_of_checks(report)}"
    if report.probes:
        calls = sum(probe.attempts for probe in report.probes)
        verdicts = tally(probe.verdict for probe in report.probes)
        yield f"   probes: {verdicts}, {calls} calls"
    for saved in report.saved:
        column = f".{saved.column}" if saved.column else ""
        yield f"   saved: {saved.rows:,} rows of {saved.table}{column} (pgflight.saved)"
    for restored in report.restored:
        yield f"   restored: {restored.rows:,} rows of {restored.name}"
        yield from (f"      not restored: {text}" for text in restored.left)
    if report.phases:
        phases = (f"{phase.name} {phase.seconds:.2f} s" for phase in report.phases)
        yield f"   durations: {', '.join(phases)}"
    for part in report.parts:
        yield f"   {part.summary}"
        yield from (f"   {line}" for line in _lines(part))
    if report.rollback:
        yield f"   rollback: {report.rollback.outcome}"
        yield from (f"   {line}" for line in _lines(report.rollback))


def _what_users_felt(report: Report) -> Iterable[str]:
    applied = report.applied
    if applied is None:
        if report.waits_in_vain.samples:
            yield _waits(report, report.waits_in_vain)
        return
    rows = f", {applied.rows:,} rows" if applied.rows else ""
    how = "online" if applied.strategy == "online" else "in one transaction"
    yield f"   applied {how}: {applied.total_ms:,.0f} ms{rows}"
    for lock in applied.locks:
        yield (
            f"   lock: {lock.mode} on {lock.table} for {lock.held_ms:,.0f} ms"
            f" (blocks {lock.blocks})"
        )
    yield _waits(report, applied.waits)


def _waits(report: Report, waits: Waits) -> str:
    if not waits.samples:
        return "   others waited: not known, the watcher could not look"
    longest_for = f" ({waits.longest_for})" if waits.longest_for else ""
    return (
        f"   others waited: {waits.sessions} sessions, longest"
        f" {waits.longest_ms:,.0f} ms of a budget of {report.budget_ms:,} ms"
        f"{longest_for}"
    )


def _indented(text: str) -> str:
    return text.replace("\n", "\n      ")


def show_plan(console: Console, plan: Plan) -> None:
    """The plan as a table, its statements, and what it means for the application."""
    plan = masked_model(plan)
    table = Table(title=f"{plan.version} {plan.title}", title_justify="left")
    for heading in ("#", "step", "keeps waiting"):
        table.add_column(heading, overflow="fold")
    if plan.expected_ms is not None:
        table.add_column("expected", justify="right", no_wrap=True)
    for step in plan.steps:
        kind = "" if step.kind == "statement" else f"{step.kind}: "
        table.add_row(
            str(step.number),
            escape(f"{kind}{step.summary}\n{Path(step.where).name}"),
            escape("\n".join(step.waiting) or "nobody"),
            *([] if step.expected_ms is None else [seconds(step.expected_ms)]),
        )
    console.print(table)
    if plan.strategy == "online":
        _show_statements(console, plan)
    say(console, plan.conclusion)
    if plan.locked_ms is not None:
        under_lock = f"{plan.locked_ms:,.0f} ms of a budget of {plan.budget_ms:,} ms"
        say(console, f"Expected time under lock in one transaction: {under_lock}.")
    for note in plan.notes:
        say(console, note)


def _show_statements(console: Console, plan: Plan) -> None:
    """As they will run: the planner has rewritten what up.sql says."""
    for step in plan.steps:
        for text in step.statements:
            say(console, f"{step.number:>3}  {text};", "dim")


def show_status(console: Console, standings: list[Standing]) -> None:
    """One line for each migration, and one more where something is to be said."""
    widest = max((len(standing.name) for standing in standings), default=0)
    for standing in standings:
        line = f"{standing.version}  {standing.name:<{widest}}  {standing.state:<11}"
        if standing.since:
            line += f"  {standing.since:%Y-%m-%d %H:%M:%S %Z} by {standing.by}"
        say(console, line.rstrip())
        if standing.note:
            say(console, f"     {standing.note}", "dim")
