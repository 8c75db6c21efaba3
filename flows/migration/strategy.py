"""The strategy: in one transaction, or online in short steps."""

from dataclasses import dataclass
from typing import Literal

Strategy = Literal["transactional", "online"]
Wish = Literal["auto", "transactional", "online"]

SHARE_OF_BUDGET = 0.5
"""An estimate is off by a factor of two at times; so half of the budget is for it."""


@dataclass(frozen=True)
class Terms:
    """What whoever deploys asks for.

    Attributes:
        budget_ms: None for the migration's own.
    """

    budget_ms: int | None = None
    strategy: Wish = "auto"


@dataclass(frozen=True)
class Choice:
    """Which strategy, and why.

    Attributes:
        strategy: None when neither will do.
    """

    strategy: Strategy | None
    reason: str
    help: str = ""


def choose(
    wish: Wish, expected_ms: float | None, budget_ms: int, refusal: str
) -> Choice:
    """Choose the strategy.

    Args:
        expected_ms: time under lock in one transaction; None where it is not known.
        refusal: why it cannot be flown online; empty where it can.
    """
    if wish == "online":
        if refusal:
            return Choice(None, f"It cannot be flown online:\n{refusal}")
        return Choice("online", "Online, as asked for")
    share = 1.0 if wish == "transactional" else SHARE_OF_BUDGET
    if expected_ms is None or expected_ms <= budget_ms * share:
        expected = "not known" if expected_ms is None else f"{expected_ms:,.0f} ms"
        return Choice("transactional", f"Expected time under lock: {expected}")
    waits = (
        f"In one transaction the application would wait about"
        f" {expected_ms / 1_000:,.1f} s; the budget is {budget_ms / 1_000:,.1f} s"
    )
    if wish == "transactional":
        return Choice(None, waits, "Leave the strategy to auto, or raise budget_ms.")
    if refusal:
        return Choice(
            None,
            f"{waits}, of which half is for the estimate; and online it cannot be"
            f" flown:\n{refusal}",
            "Write it as shown, or raise budget_ms if it may wait that long.",
        )
    return Choice("online", f"{waits}; so it goes online, in short steps")
