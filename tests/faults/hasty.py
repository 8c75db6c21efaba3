"""A ladder of less than two seconds, for rounds that cannot wait."""

from flows.migration.ladder import Rung

LADDER = {"flows.database.attempt.ladder": "tests.faults.hasty.ladder"}
"""For a pilot's settings: the name of the function that takes the other's place."""


def ladder(deadlock_timeout_ms: int, budget_ms: int) -> tuple[Rung, ...]:
    """As the product's, with one rung of each kind."""
    return (Rung(100, 50), Rung(deadlock_timeout_ms + 500, 100), Rung(200, 0))
