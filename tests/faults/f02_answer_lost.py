"""F2: the COMMIT is delivered, and its answer is lost."""

from flows.migration.strategy import Wish
from tests.faults.experiment import Experiment, Turn, fly, order
from tests.faults.ground import Ground
from tests.faults.pilot import Action, Pilot, Seen
from tests.faults.proxy import Deed, Once, WireProxy, commit_of

Arm = tuple[Action, Wish, str, int]
"""What is flown, by which strategy, whose COMMIT, and which of those: 0 for any."""

ARMS: list[Arm] = [
    ("deploy", "transactional", "apply ", 1),
    ("rollback", "transactional", "rollback ", 1),
    ("deploy", "online", "step-", 0),
    ("deploy", "online", "journal ", 0),
    ("rollback", "transactional", "save ", 1),
    ("deploy", "transactional", "008 verify", 1),
    ("deploy", "transactional", "008 verify", 2),
]
MOST_COMMITS = {"step-": 8, "journal ": 14}


def mistreat(ground: Ground, turn: Turn, deed: Deed) -> Seen:
    """Fly with one COMMIT mistreated; the arms take turns."""
    action, strategy, session, number = ARMS[turn.number % len(ARMS)]
    if action == "rollback":
        deployed = fly(ground, strategy=strategy)
        ground.expect(deployed.outcome == "DEPLOYED", "I3", str(deployed.errors))
    number = number or turn.rng.randint(1, MOST_COMMITS[session])
    once = Once(commit_of(session, number), deed)
    with WireProxy(ground.cluster.port, once) as proxy:
        url = proxy.through(ground.world.owner_url)
        seen = Pilot(order(ground, action, url, strategy=strategy)).wait()
    ground.expect(once.is_done, "I3", f"there was no COMMIT {number} of {session}")
    return seen


def expect_success(ground: Ground, seen: Seen) -> None:
    wanted = "DEPLOYED" if seen.action == "deploy" else "ROLLED_BACK"
    ground.expect(seen.outcome == wanted, "I3", f"ended {seen.outcome}: {seen.errors}")


def round_(ground: Ground, turn: Turn) -> list[Seen]:
    seen = mistreat(ground, turn, Deed.CUT_ANSWER)
    expect_success(ground, seen)
    report = seen.report
    if ARMS[turn.number % len(ARMS)][2] in ("apply ", "rollback ") and report:
        is_found_out = report.commit == "RECONCILED_COMMITTED"
        ground.expect(is_found_out, "I3", "it was not found out from the ledger")
    return [seen]


EXPERIMENT = Experiment(
    "F02", "COMMIT delivered, its answer lost", round_, rounds=14, reduced=3
)
