"""F10: several deployers at the same moment, and no ledger there yet."""

import re

from flows.database.ledger import JUST_ENDED
from flows.migration.strategy import Wish
from tests.faults.experiment import Experiment, Turn, fly, order
from tests.faults.ground import Ground
from tests.faults.pilot import REPORT, Action, Pilot, Seen

MANY = 5
ARMS: list[tuple[Action, Wish, int]] = [
    ("deploy", "transactional", MANY),
    ("deploy", "online", MANY),
    ("deploy", "transactional", MANY),
    ("deploy", "online", MANY),
    ("rollback", "transactional", MANY),
    ("deploy", "transactional", 2),
    ("deploy", "online", 2),
]
ROW_S = 0.001
AT_WORK = "Another deployment is at work"
BY_WHOM = re.compile(
    rf"{AT_WORK} in this database: "
    rf"(pgflight .+ \(pid \d+, since \d\d:\d\d:\d\d \S+\)|{JUST_ENDED})"
)
TOO_LATE = "while this one was being cleared", "while this run", "not in place"
COLLISION = re.compile(r"\b(23505|XX000)\b|duplicate key|concurrently updated")


def round_(ground: Ground, turn: Turn) -> list[Seen]:
    action, strategy, number = ARMS[turn.number % len(ARMS)]
    if action == "rollback":
        fly(ground, strategy=strategy)
    ground.slow_down(ROW_S)
    how = order(ground, action, strategy=strategy)
    pilots = [Pilot(how) for _ in range(number)]
    seen = [pilot.wait() for pilot in pilots]
    worked = [one for one in seen if one.report and one.report.applied]
    ground.expect(len(worked) == 1, "I6", f"{len(worked)} of {number} have worked")
    for one in seen:
        # Not in the report's figures, where any digits may follow each other.
        said = [line for line in one.said if not line.startswith(REPORT)]
        collided = [line for line in [*said, one.errors] if COLLISION.search(line)]
        ground.expect(not collided, "I3", f"collided: {collided}")
        if one.outcome == "BLOCKED":
            ground.expect(is_told(one), "I3", f"does not say by whom: {one.errors}")
        ground.counts[f"{action} ended {one.outcome}"] += 1
    if (action, number) == ("deploy", MANY):
        is_race = any(one.outcome == "BLOCKED" for one in seen)
        ground.expect(is_race, "I6", "none of five was busy or too late: no race")
        ground.counts[f"races of {MANY} that deploy"] += is_race
    return seen


def is_told(loser: Seen) -> bool:
    """Who is at work and since when, or what has happened meanwhile."""
    if AT_WORK in loser.errors:
        return bool(BY_WHOM.search(loser.errors))
    return any(words in loser.errors for words in TOO_LATE)


EXPERIMENT = Experiment(
    "F10", "Two and five deployers race", round_, rounds=91, reduced=2
)
