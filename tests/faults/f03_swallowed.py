"""F3: the COMMIT never arrives, and the connection is cut."""

from tests.faults.experiment import Experiment, Turn
from tests.faults.f02_answer_lost import ARMS, expect_success, mistreat
from tests.faults.ground import Ground
from tests.faults.pilot import Seen
from tests.faults.proxy import Deed


def round_(ground: Ground, turn: Turn) -> list[Seen]:
    seen = mistreat(ground, turn, Deed.SWALLOW)
    expect_success(ground, seen)
    applied = seen.report and seen.report.applied
    if ARMS[turn.number % len(ARMS)][2] in ("apply ", "rollback "):
        is_repeated = bool(applied and applied.attempt > 1)
        ground.expect(is_repeated, "I3", "it was not tried again")
    return [seen]


EXPERIMENT = Experiment(
    "F03", "COMMIT swallowed, connection cut", round_, rounds=14, reduced=2
)
