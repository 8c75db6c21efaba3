"""What must be true of a run that was hit by a fault, and what recovery makes of it."""

import os
from collections.abc import Collection
from contextlib import AbstractContextManager
from unittest.mock import patch

from flows.migration.outcome import Outcome
from flows.migration.report import Report
from flows.tasks.engine import without_prefect
from tests.crashes.ground import (
    AUDIT,
    LAST_WORD,
    OURS,
    STORIES,
    UNFILLED,
    UNTOUCHED,
    Ground,
)
from tests.crashes.held import BUDGET_MS, NO_ENDPOINT, Held
from tests.crashes.site import Site, is_alive, wait_for

GONE_WITHIN_S = 10.0
FLOWN_WITHIN_S = 150.0

LEDGER_SAYS: dict[str, list[list[str]]] = {
    "before": [[], ["applying"]],
    "between": [["applying"]],
    "after": [["applied"], ["verified"], ["accepted"], ["applying"]],
}
"""By where the catalogue is."""

MEANS: dict[str, list[str]] = {
    "DEPLOYED": ["after"],
    "NOTHING_TO_DO": ["after"],
    "ROLLED_BACK": ["before"],
    "BLOCKED": ["before"],
    "NEEDS_DECISION": ["after", "between"],
    "ROLLBACK_FAILED": ["after", "between"],
    "UNKNOWN": ["before", "after", "between"],
}
"""Where the catalogue may be when a run has ended so."""


def wait_until_over(held: Held) -> None:
    """The flow's own process has ended, by itself or not."""
    wait_for(lambda: not is_alive(held.pid), f"{held.stop}'s end", FLOWN_WITHIN_S)


def is_told(ground: Ground) -> bool:
    """Whether the last flight has said how it ended, if it got so far as to begin."""
    return all(kind == "ended" for kind, _ in ground.ask(LAST_WORD))


def assert_nobody_left(ground: Ground) -> None:
    """No session of ours is in the database, soon."""
    wait_for(
        lambda: not ground.ask(OURS),
        f"the end of {ground.ask(OURS)}",
        GONE_WITHIN_S,
    )


def assert_true(ground: Ground) -> None:
    """Schema, ledger and audit agree with each other."""
    position = ground.position()
    assert position in LEDGER_SAYS, position
    assert ground.states() in LEDGER_SAYS[position], (position, ground.states())
    assert ground.one(UNTOUCHED) == ground.field.untouched
    for kind, outcome in ground.ask(LAST_WORD):
        assert kind != "ended" or position in MEANS[outcome], (position, outcome)


def assert_went_on(held: Held) -> None:
    """It has come to the end that it was on its way to, and to no other."""
    ground = held.ground
    ended = [("ended", held.ends_as.value)]
    assert ground.ask(LAST_WORD) == ended, (held.stop, ground.ask(AUDIT))


def assert_prefect_says(held: Held, site: Site, names: Collection[str]) -> None:
    """The run's state has one of these names, soon."""
    wait_for(
        lambda: site.state_of(held.run_id)[1] in names,
        f"{held.stop} as one of {names}; it is {site.state_of(held.run_id)}",
    )


def recover(ground: Ground, ends: Collection[str] = ("", "accepted")) -> Report:
    """As `pgflight recover` does, and the run's story is at its end.

    Args:
        ends: what the ledger may have of it then; empty for nothing that is in place.
    """
    from flows.recover import recover_migrations
    from flows.tasks.landing import report_of

    with _target(ground), without_prefect():
        report = report_of(recover_migrations.fn(folder=str(ground.field.folder)))
    assert_true(ground)
    assert "".join(ground.states()) in ends, (report.errors, ground.ask(AUDIT))
    open_ = [story for story in ground.ask(STORIES) if not _is_told(*story)]
    assert not open_, f"nobody has said how it ended: {open_}"
    return report


def deploy_again(ground: Ground) -> None:
    """A later deployment, by anybody, works; what it finds is not done again."""
    from flows.deploy import deploy_migration
    from flows.tasks.landing import report_of

    ground.execute("DELETE FROM held.failure")
    with _target(ground), without_prefect():
        folder = str(ground.field.folder)
        report = report_of(
            deploy_migration.fn("008", folder=folder, budget_ms=BUDGET_MS)
        )
    good = (Outcome.DEPLOYED, Outcome.NOTHING_TO_DO)
    assert report.outcome in good, report.errors
    assert_true(ground)
    assert ground.states() == ["accepted"]
    # A run that is killed in its smoke test cannot put back what a probe has set.
    assert {row[0] for row in ground.ask(UNFILLED)} <= {ground.world.smoke.user_id}


def _is_told(flight_id: str, kind: str, outcome: str | None) -> bool:
    return kind in ("ended", "settled") and outcome != "UNKNOWN"


def _target(ground: Ground) -> AbstractContextManager[object]:
    return patch.dict(os.environ, ground.world.environment(NO_ENDPOINT))
