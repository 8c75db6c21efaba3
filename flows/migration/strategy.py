"""The strategy: in one transaction, or online in short steps."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from flows.migration.effort import efforts_of
from flows.migration.errors import Blocked, PgflightError
from flows.migration.estimate import BASE_MS, Outlook
from flows.migration.online.refused import NotOnline
from flows.migration.online.rewrite import plan_online
from flows.migration.online.steps import OnlineStep
from flows.migration.script import Script

Strategy = Literal["transactional", "online"]
Wish = Literal["auto", "transactional", "online"]
Workers = Annotated[int, Field(ge=1, le=16)]
WORKERS = 2
"""At 1,000,000 users on 2 cores beside a working application: 9.6 s, and 16.5 s with
one, at the same longest stall (measured)."""

SHARE_OF_BUDGET = 0.5
"""An estimate is off by a factor of two at times; so half of the budget is for it."""

_NO_TABLE = "its table is partitioned or a view, where that takes one long lock"
_EACH_PARTITION = (
    "Name the tables themselves: an index can be built on each partition, and then be"
    " attached to one that is made by CREATE INDEX … ON ONLY the partitioned table."
)


@dataclass(frozen=True)
class Terms:
    """What whoever deploys asks for.

    Attributes:
        budget_ms: None for the migration's own.
        workers: backends that fill rows at the same time, online.
    """

    budget_ms: int | None = None
    strategy: Wish = "auto"
    workers: int = WORKERS


@dataclass(frozen=True)
class Choice:
    """Which strategy, and why.

    Attributes:
        strategy: None when neither will do.
        locked_ms: expected time under lock in one transaction; None where unknown.
        falls_back: online is what is left when one transaction breaks the budget.
    """

    strategy: Strategy | None
    reason: str
    help: str = ""
    locked_ms: float | None = None
    falls_back: bool = False


def expected_under_lock(up: Script, outlook: Outlook) -> float:
    """Milliseconds from the first statement to the COMMIT of one transaction."""
    return BASE_MS + sum(
        outlook.milliseconds(efforts_of(statement), is_online=False)
        for statement in up.statements
        if efforts_of(statement)
    )


def choose(wish: Wish, up: Script, budget_ms: int, outlook: Outlook | None) -> Choice:
    """Choose the strategy.

    Args:
        outlook: None where the database could not be asked.
    """
    locked_ms = expected_under_lock(up, outlook) if outlook else None
    obstacle = _obstacle(up, outlook)
    if wish == "online":
        return _online_as_asked(obstacle, locked_ms)
    share = 1.0 if wish == "transactional" else SHARE_OF_BUDGET
    if locked_ms is None or locked_ms <= budget_ms * share:
        expected = "not known" if locked_ms is None else f"{locked_ms:,.0f} ms"
        reason = f"one transaction; expected time under lock: {expected}"
        falls_back = wish == "auto" and obstacle is None
        return Choice("transactional", reason, "", locked_ms, falls_back)
    waits = (
        "in one transaction the application would wait about"
        f" {locked_ms / 1_000:,.1f} s; the budget is {budget_ms / 1_000:,.1f} s"
    )
    if wish == "transactional":
        help = "Leave the strategy to auto, or raise budget_ms if it may wait that long"
        return Choice(None, waits, f"{help}.", locked_ms)
    if obstacle:
        return Choice(
            None,
            f"{waits}, of which half is for the estimate, and it cannot go online:\n"
            f"{obstacle.message}",
            f"{obstacle.help}\nOr raise budget_ms if it may wait that long.",
            locked_ms,
        )
    return Choice("online", f"{waits}; so it goes in short steps", "", locked_ms)


def _online_as_asked(obstacle: PgflightError | None, locked_ms: float | None) -> Choice:
    if obstacle:
        reason = f"it cannot go online:\n{obstacle.message}"
        return Choice(None, reason, obstacle.help, locked_ms)
    return Choice("online", "short steps, as asked for", "", locked_ms)


def _obstacle(up: Script, outlook: Outlook | None) -> PgflightError | None:
    """What is in the way of the online strategy, with what to write instead."""
    try:
        steps = plan_online(up)
    except NotOnline as error:
        return error
    unfit = [step for step in steps if outlook and not _fits(step, outlook)]
    if not unfit:
        return None
    lines = [f"{step.where}: {step.summary}: {_NO_TABLE}" for step in unfit]
    return Blocked("\n".join(lines), _EACH_PARTITION)


def _fits(step: OnlineStep, outlook: Outlook) -> bool:
    """What the text does not tell: CONCURRENTLY takes no partitioned table, and a
    batch of a view has no physical range."""
    if step.kind == "index" and step.table in outlook.partitioned:
        return False
    works_on_rows = step.kind in ("backfill", "index", "validate")
    return not (works_on_rows and step.table in outlook.others)
