"""F4: the network is gone for one side only, or an answer does not come for a while."""

from tests.faults.experiment import Experiment, Turn
from tests.faults.f02_answer_lost import expect_success, mistreat
from tests.faults.ground import Ground
from tests.faults.pilot import Seen
from tests.faults.proxy import Deed

DEEDS = (Deed.HALF_OPEN, Deed.LATE, Deed.DELAY_ANSWER)


def round_(ground: Ground, turn: Turn) -> list[Seen]:
    seen = mistreat(ground, turn, DEEDS[turn.number % 3])
    expect_success(ground, seen)
    return [seen]


EXPERIMENT = Experiment(
    "F04", "Half-open, COMMIT late, answer late", round_, rounds=21, reduced=2
)
