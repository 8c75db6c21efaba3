"""F10: several deployers at the same moment, and no ledger there yet."""

import re

from flows.migration.strategy import Wish
from tests.faults.experiment import Experiment, Turn, fly, order
from tests.faults.ground import Ground
from tests.faults.pilot import REPORT, Action, Pilot, Seen

ARMS: list[tuple[Action, Wish, int]] = [
    ("deploy", "transactional", 5),
    ("deploy", "online", 5),
    ("deploy", "transactional", 5),
    ("deploy", "online", 5),
    ("rollback", "transactional", 5),
    ("deploy", "transactional", 2),
    ("deploy", "online", 2),
]
ROW_S = 0.001
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
            is_told = any(
                words in one.errors
                for words in ("Another deployment", "while this run", "not in place")
            )
            ground.expect(is_told, "I3", f"does not say by whom: {one.errors}")
        ground.counts[f"{action} ended {one.outcome}"] += 1
    return seen


EXPERIMENT = Experiment(
    "F10", "Two and five deployers race", round_, rounds=63, reduced=2
)
