"""F15: users choose while the migration is in place, and then it is rolled back."""

import time
from importlib.util import find_spec

from flows.migration.strategy import Wish
from tests.faults.experiment import Experiment, Turn, fly
from tests.faults.ground import Ground
from tests.faults.pilot import Seen

EDITS = 60
RESTORES = find_spec("flows.database.restoring") is not None


def round_(ground: Ground, turn: Turn) -> list[Seen]:
    """The load beside it goes on choosing until the column is gone."""
    strategy: Wish = "online" if turn.number % 2 else "transactional"
    deployed = fly(ground, strategy=strategy)
    model, attnum = ground.model, ground.one("attnum")
    deadline = time.monotonic() + 20
    while len(model.choices.get(attnum, {})) < EDITS and time.monotonic() < deadline:
        time.sleep(0.02)
    rolled_back = fly(ground, "rollback")
    ground.expect(
        rolled_back.outcome == "ROLLED_BACK", "I3", f"not back: {rolled_back.errors}"
    )
    ground.expect(deployed.outcome == "DEPLOYED", "I3", deployed.errors)
    if RESTORES:
        redeploy(ground, strategy, attnum)
    ground.counts["choices"] += len(model.choices.get(attnum, {}))
    return [rolled_back]


def redeploy(ground: Ground, strategy: Wish, attnum: int) -> None:
    """What users had chosen is there again, but for what they have chosen since."""
    again = fly(ground, strategy=strategy)
    ground.expect(again.outcome == "DEPLOYED", "I3", again.errors)
    now, choices = dict(ground.ask("choices")), ground.model.choices
    since = choices.get(ground.one("attnum"), {})
    gone = [
        user
        for user, choice in choices[attnum].items()
        if user not in since and not choice.is_doubtful
        if choice.possible and now[user] not in choice.possible
    ]
    ground.expect(not gone, "I5", f"{len(gone)} choices have not come back")
    fly(ground, "rollback")


EXPERIMENT = Experiment(
    "F15", "Users choose between COMMIT and rollback", round_, rounds=12, reduced=1
)
