"""F8: somebody has read a table, and does not end the transaction."""

from flows.migration.strategy import Wish
from tests.faults.experiment import Experiment, Turn, fly, order
from tests.faults.ground import Ground
from tests.faults.hasty import LADDER
from tests.faults.pilot import Action, Pilot, Seen

ARMS: list[tuple[Action, Wish, str]] = [
    ("deploy", "transactional", "users"),
    ("deploy", "transactional", "organizations"),
    ("deploy", "online", "users"),
    ("rollback", "transactional", "users"),
    ("deploy", "online", "organizations"),
]
READER = "the weekly statistics"
QUERY = {
    "users": "SELECT count(*) AS a_secret_query FROM platform.users",
    # Whoever only reads the organizations is in nobody's way.
    "organizations": "LOCK TABLE platform.organizations IN ROW EXCLUSIVE MODE"
    " /* a_secret_query */",
}
SLOW_MACHINE_S = 5.0


def round_(ground: Ground, turn: Turn) -> list[Seen]:
    action, strategy, table = ARMS[turn.number % len(ARMS)]
    if action == "rollback":
        fly(ground, strategy=strategy)
    # The product's own ladder takes more than half a minute.
    is_hasty = turn.is_reduced or turn.number >= len(ARMS)
    settings = LADDER if is_hasty else {}
    with ground.admin(READER) as reader:
        reader.autocommit = False
        reader.execute(QUERY[table].encode())
        pid = reader.info.backend_pid
        how = order(ground, action, strategy=strategy, settings=settings)
        seen = Pilot(how).wait()
        reader.rollback()
    is_named = f"pid {pid}" in seen.errors and READER in seen.errors
    ground.expect(is_named, "I3", f"the blocker is not named: {seen.errors}")
    ground.expect("a_secret_query" not in "".join(seen.said), "I7", "a query was said")
    stall_s = ground.model.longest_stall
    ground.expect(stall_s < 1.5 + SLOW_MACHINE_S, "I8", f"a stall of {stall_s:.1f} s")
    ground.counts[f"{action} ended {seen.outcome}"] += 1
    return [seen]


EXPERIMENT = Experiment("F08", "Long reader in the way", round_, rounds=8, reduced=2)
