"""F23: the server goes down at COMMIT and stays away, and recover finds out at last.

Nobody can know until then: UNKNOWN is the only true answer, and nothing is taken back.
"""

import time
from dataclasses import dataclass
from threading import Thread

from flows.migration.outcome import Outcome
from tests.faults.experiment import Experiment, Turn, fly, order
from tests.faults.ground import Ground
from tests.faults.pilot import Action, Pilot, Seen
from tests.faults.proxy import Deed, Line, Once, WireProxy, commit_of


@dataclass(frozen=True)
class Arm:
    """What is flown, what becomes of its COMMIT, and what recover is to say."""

    action: Action
    has_committed: bool
    recovered: Outcome


ARMS = (
    Arm("deploy", True, Outcome.DEPLOYED),
    Arm("deploy", False, Outcome.NOTHING_TO_DO),
    Arm("rollback", True, Outcome.NOTHING_TO_DO),
    Arm("rollback", False, Outcome.ROLLED_BACK),
)
SESSIONS: dict[Action, str] = {"deploy": "apply ", "rollback": "rollback "}
COMMITTED = {"deploy": "applied", "rollback": "rolled_back"}
SHORT = {"flows.database.commit.RECONCILE_FOR_S": 1}
UNKNOWN = 50
"""The exit code, as it is promised."""
COMMITS_S = 30.0


def round_(ground: Ground, turn: Turn) -> list[Seen]:
    arm = ARMS[turn.number % len(ARMS)]
    if arm.action == "rollback":
        fly(ground)
    seen = fly_into_outage(ground, arm)
    seen.may_be_unknown = True
    is_told = seen.outcome is Outcome.UNKNOWN and "COMMIT was sent" in seen.errors
    ground.expect(is_told, "I3", f"ended {seen.outcome}: {seen.errors}")
    code = seen.report.exit_code if seen.report else None
    ground.expect(code == UNKNOWN, "I3", f"exit code {code}")
    is_after = arm.has_committed == (arm.action == "deploy")
    wanted = ground.field.after if is_after else ground.field.before
    ground.expect(ground.fingerprint() == wanted, "I1", "it is not as it was left")
    recovered = fly(ground, "recover")
    is_truth = recovered.outcome is arm.recovered
    ground.expect(is_truth, "I3", f"{recovered.outcome}: {recovered.errors}")
    ground.counts[f"{arm.action}, recover ended {recovered.outcome}"] += 1
    # The last one is what is flown again.
    return [recovered, seen]


def fly_into_outage(ground: Ground, arm: Arm) -> Seen:
    """The server is away before the pilot can ask, and back once the pilot is gone."""
    outage = Outage(ground, arm)
    deed = Deed.CUT_ANSWER if arm.has_committed else Deed.SWALLOW
    once = Once(commit_of(SESSIONS[arm.action]), deed, outage.begin)
    with WireProxy(ground.cluster.port, once) as proxy:
        outage.proxy = proxy
        url = proxy.through(ground.world.owner_url)
        seen = Pilot(order(ground, arm.action, url, settings=SHORT)).wait()
        outage.end()
    ground.expect(once.is_done, "I3", "there was no COMMIT")
    return seen


class Outage:
    """The server crashes once the COMMIT is done, or in its place."""

    def __init__(self, ground: Ground, arm: Arm) -> None:
        self.proxy: WireProxy | None = None
        self._ground = ground
        self._arm = arm
        self._thread = Thread(target=self._crash, daemon=True)

    def begin(self, line: Line) -> None:
        """COMMIT has come to the proxy; nobody gets a connection until it is away."""
        assert self.proxy
        self.proxy.may_connect.clear()
        self._thread.start()

    def _crash(self) -> None:
        assert self.proxy
        deadline = time.monotonic() + COMMITS_S
        while self._arm.has_committed and time.monotonic() < deadline:
            if COMMITTED[self._arm.action] in {
                row[2] for row in self._ground.ask("ledger")
            }:
                break
            time.sleep(0.005)
        self._ground.cluster.crash()
        self.proxy.may_connect.set()

    def end(self) -> None:
        if self._thread.ident:
            self._thread.join()
            self._ground.cluster.start_again()


EXPERIMENT = Experiment(
    "F23", "Server down at COMMIT, and recover", round_, rounds=40, reduced=2
)
