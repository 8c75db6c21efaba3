"""The plan: what a migration will do, in order, and whom it will keep waiting."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from flows.migration.effort import Effort, efforts_of
from flows.migration.estimate import Outlook
from flows.migration.folder import Migration
from flows.migration.locks import NOTHING, Lock, blocks, locks_of, stronger
from flows.migration.markdown import block, code, table, text
from flows.migration.online.reorder import reordered
from flows.migration.online.rewrite import plan_online
from flows.migration.online.steps import OnlineStep
from flows.migration.script import Script, Statement
from flows.migration.strategy import Choice, Strategy

MOST_NAMED = 8
"""Steps in the short form: it stands above the form that is to be filled in."""


class PlannedLock(BaseModel):
    """A lock that a step takes, or makes stronger."""

    table: str
    mode: str
    blocks: str

    @property
    def sentence(self) -> str:
        return f"{self.mode} on {self.table}: {self.blocks}"


class Step(BaseModel):
    """One step as it will run.

    Attributes:
        where: file:line:column of the statement that it comes from.
        kind: statement (in the one transaction); online: brief, backfill, index,
            drop-index or validate.
        statements: SQL, as it will be sent; a backfill's is sent for each batch.
        rows: fill: it writes rows of a table. scan: it reads all of them. Empty: it
            is brief, whatever the size of a table.
        is_transactional: whether it runs in a transaction; an index that is built
            CONCURRENTLY cannot.
        expected_ms: None where no database was asked.
    """

    number: int
    where: str
    kind: str
    summary: str
    statements: list[str]
    locks: list[PlannedLock]
    rows: Literal["fill", "scan", ""] = ""
    is_transactional: bool = True
    expected_ms: float | None = None

    @property
    def waiting(self) -> list[str]:
        """Each lock that keeps somebody waiting, and what; nothing where none does."""
        return [lock.sentence for lock in self.locks if lock.blocks != NOTHING]

    @property
    def felt(self) -> list[str]:
        """Those of them that an application waits for."""
        return [lock.sentence for lock in self.locks if "writes" in lock.blocks]


class Plan(BaseModel):
    """EXPLAIN for a migration.

    Attributes:
        strategy: transactional: all steps in one transaction, every lock held from
            its step until the COMMIT. online: each step gives its locks back. None:
            neither will do, for this reason; the steps are those of one transaction.
        locks: the strongest on each table.
        expected_ms: of all steps together; None where no database was asked.
        locked_ms: expected time under lock, were it one transaction.
        notes: what the target asks for besides, in sentences.
    """

    version: str
    title: str
    strategy: Strategy | None
    reason: str
    budget_ms: int
    steps: list[Step]
    locks: list[PlannedLock]
    expected_ms: float | None = None
    locked_ms: float | None = None
    notes: list[str] = []

    @property
    def conclusion(self) -> str:
        """Why this strategy, and what it means for the application, in sentences."""
        reason = f"Strategy: {self.strategy or 'none will do'}: {self.reason}."
        if self.strategy == "online":
            return (
                f"{reason} Each step gives its locks back before the next; none keeps"
                f" the application waiting longer than the budget of"
                f" {self.budget_ms:,} ms. Expected time: {seconds(self.expected_ms)}."
            )
        return f"{reason} Every lock is held until the COMMIT."

    def in_short(self) -> str:
        """What to know before it is approved: when the application waits for what."""
        waiting = [step for step in self.steps if step.felt]
        lines = [f"**{text(self.version)} {text(self.title)}**", ""]
        lines += [text(self.conclusion), ""]
        end = ":" if waiting else "."
        count = f"{len(self.steps)} steps, {len(waiting)} keep the application waiting"
        lines += [f"{count}{end}", ""]
        for step in waiting[:MOST_NAMED]:
            lines.append(f"- {code(step.summary)}: {'; '.join(map(text, step.felt))}")
        if len(waiting) > MOST_NAMED:
            lines.append(f"- and {len(waiting) - MOST_NAMED} more")
        return "\n".join(lines) + "\n"

    def as_markdown(self) -> str:
        """The plan as a page."""
        rows = [
            (
                str(step.number),
                f"{step.kind}: {code(step.summary)}",
                "<br>".join(map(text, step.waiting)) or "nobody",
                seconds(step.expected_ms),
            )
            for step in self.steps
        ]
        lines = [f"# {text(self.version)} {text(self.title)}", ""]
        lines += [text(self.conclusion), ""]
        lines += [line for note in self.notes for line in (text(note), "")]
        lines += table(("#", "step", "keeps waiting", "expected"), rows)
        for step in self.steps:
            statements = ";\n".join(step.statements)
            name = Path(step.where).name
            lines += ["", f"**{step.number}.** {code(name)}", ""]
            lines += block(statements, "sql")
        return "\n".join(lines) + "\n"


def seconds(milliseconds: float | None) -> str:
    """A time as people say it."""
    if milliseconds is None:
        return "not known"
    if milliseconds < 1_000:
        return f"{milliseconds:,.0f} ms"
    return f"{milliseconds / 1_000:,.1f} s"


def plan_of(
    migration: Migration,
    choice: Choice,
    budget_ms: int,
    outlook: Outlook | None,
    notes: Iterable[str] = (),
) -> Plan:
    """Plan a migration from its syntax tree, with the database's figures if there are.

    Args:
        outlook: None where no database was asked.
    """
    if choice.strategy == "online":
        steps = [_online(step, outlook) for step in plan_online(migration.up)]
    else:
        steps = _transactional(migration.up, outlook)
    expected = [step.expected_ms for step in steps if step.expected_ms is not None]
    return Plan(
        version=migration.version,
        title=migration.title,
        strategy=choice.strategy,
        reason=choice.reason,
        budget_ms=budget_ms,
        steps=steps,
        locks=_strongest(lock for step in steps for lock in step.locks),
        expected_ms=sum(expected) if outlook else None,
        locked_ms=choice.locked_ms,
        notes=list(notes),
    )


def _transactional(up: Script, outlook: Outlook | None) -> list[Step]:
    numbered = enumerate(reordered(up.statements), start=1)
    return [_statement(number, one, outlook) for number, one in numbered]


def _statement(number: int, statement: Statement, outlook: Outlook | None) -> Step:
    return Step(
        number=number,
        where=statement.where,
        kind="statement",
        summary=statement.summary,
        statements=[statement.text],
        locks=_planned(locks_of(statement)),
        rows=_rows(efforts_of(statement)),
        expected_ms=_expected(outlook, efforts_of(statement), is_online=False),
    )


def _online(step: OnlineStep, outlook: Outlook | None) -> Step:
    return Step(
        number=step.number,
        where=step.where,
        kind=step.kind,
        summary=step.summary,
        statements=list(step.statements),
        locks=_planned(step.locks),
        rows=_rows(_efforts(step)),
        is_transactional=step.kind not in ("index", "drop-index"),
        expected_ms=_expected(outlook, _efforts(step), is_online=True),
    )


def _rows(efforts: Iterable[Effort]) -> Literal["fill", "scan", ""]:
    kinds = {effort.kind for effort in efforts}
    return "fill" if "fill" in kinds else "scan" if kinds else ""


def _expected(
    outlook: Outlook | None, efforts: Iterable[Effort], is_online: bool
) -> float | None:
    return outlook.milliseconds(efforts, is_online=is_online) if outlook else None


def _efforts(step: OnlineStep) -> Iterable[Effort]:
    """Validating looks for orphans first, so it reads the table twice."""
    if step.table is None:
        return
    yield Effort("fill" if step.kind == "backfill" else "scan", step.table)
    if step.orphans:
        yield Effort("scan", step.table)


def _strongest(locks: Iterable[PlannedLock]) -> list[PlannedLock]:
    modes: dict[str, str] = {}
    for lock in locks:
        modes[lock.table] = stronger(modes.get(lock.table, lock.mode), lock.mode)
    return [_lock(table, mode) for table, mode in sorted(modes.items())]


def _planned(locks: Iterable[Lock]) -> list[PlannedLock]:
    return [_lock(lock.table, lock.mode) for lock in locks]


def _lock(table: str, mode: str) -> PlannedLock:
    return PlannedLock(table=table, mode=mode, blocks=blocks(mode))
