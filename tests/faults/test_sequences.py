"""Random sequences of everything that can happen to one database, judged at each step.

Deployments, rollbacks and recoveries, undisturbed, killed, racing, locked out and with
their server crashed, beside users who go on choosing. PGFLIGHT_TEST_SEQUENCES asks for
more of them than the few of a test run.
"""

import os
import time

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from flows.migration.strategy import Wish
from tests.faults.experiment import fly, order
from tests.faults.ground import Field, Ground, fresh_ground
from tests.faults.hasty import LADDER
from tests.faults.oracle import look
from tests.faults.pilot import Action, Pilot, Seen

SEQUENCES = int(os.environ.get("PGFLIGHT_TEST_SEQUENCES", "2"))
STEPS = 6
"""Far below what PostgreSQL allows: each cycle uses up one of 1,600 columns."""

ACTIONS = st.sampled_from(["deploy", "rollback", "recover"])
STRATEGIES = st.sampled_from(["transactional", "online"])
MOMENTS = st.floats(0.0, 1.0)
"""Seconds after its start that a flight is disturbed; one takes about a second."""
ROW_S = 0.001


class Sequences(RuleBasedStateMachine):
    """One ground, and what happens to it."""

    field: Field

    @initialize()
    def begin(self) -> None:
        self._open = fresh_ground(self.field)
        self.ground: Ground = self._open.__enter__()
        self.ground.slow_down(ROW_S)
        self.log: list[str] = []

    @rule(action=ACTIONS, strategy=STRATEGIES)
    def fly(self, action: Action, strategy: Wish) -> None:
        self._judge(f"{action} {strategy}", fly(self.ground, action, strategy))

    @rule(action=ACTIONS, strategy=STRATEGIES, after_s=MOMENTS)
    def kill(self, action: Action, strategy: Wish, after_s: float) -> None:
        pilot = self._pilot(action, strategy)
        time.sleep(after_s)
        pilot.kill()
        self._judge(f"{action} {strategy} killed after {after_s:.2f} s", pilot.wait())

    @rule(action=ACTIONS, strategy=STRATEGIES, after_s=MOMENTS)
    def crash(self, action: Action, strategy: Wish, after_s: float) -> None:
        pilot = self._pilot(action, strategy)
        time.sleep(after_s)
        self.ground.cluster.crash()
        self.ground.cluster.start_again()
        self._judge(f"{action} {strategy}, crash at {after_s:.2f} s", pilot.wait())

    @rule(first=ACTIONS, second=ACTIONS, strategy=STRATEGIES)
    def race(self, first: Action, second: Action, strategy: Wish) -> None:
        pilots = [self._pilot(action, strategy) for action in (first, second)]
        seen = [pilot.wait() for pilot in pilots]
        # What the first has reported, the second may have changed since.
        last = [one for one in seen if one.action == second or first == second]
        self._judge(f"{first} against {second}, {strategy}", *last, of=seen)

    @rule(action=ACTIONS, strategy=STRATEGIES)
    def lock_out(self, action: Action, strategy: Wish) -> None:
        """Somebody has read the table and stays in the transaction meanwhile."""
        with self.ground.admin("reader") as reader:
            reader.autocommit = False
            reader.execute("SELECT count(*) FROM platform.users")
            seen = self._pilot(action, strategy).wait()
        self._judge(f"{action} {strategy}, locked out", seen)

    @rule(seed=st.integers(0, 2**32), writes=st.integers(5, 30))
    def users_at_work(self, seed: int, writes: int) -> None:
        with self.ground.load(seed) as load:
            while load.written < writes:
                time.sleep(0.01)
        self._judge("users at work")

    def teardown(self) -> None:
        """A recovery, then one deployment, and all is in place."""
        if not hasattr(self, "ground"):
            return
        try:
            self._judge("recover at last", fly(self.ground, "recover"))
            self._judge("deploy at last", fly(self.ground))
            states = {row[2] for row in self.ground.ask("ledger")}
            assert "accepted" in states, (self.log, states)
        finally:
            self._open.__exit__(None, None, None)

    def _pilot(self, action: Action, strategy: Wish) -> Pilot:
        return Pilot(order(self.ground, action, strategy=strategy, settings=LADDER))

    def _judge(self, what: str, *seen: Seen, of: list[Seen] | None = None) -> None:
        ended = [str(one.outcome) for one in of or seen]
        self.log.append(f"{what}: {', '.join(ended) or 'done'}")
        breaches = look(self.ground, list(seen))
        said = [line for one in of or seen for line in one.said]
        assert not breaches, "\n".join([*map(str, breaches), *self.log, *said])


def test_no_sequence_loses_doubles_or_misreports(field: Field):
    machine = type("SequencesHere", (Sequences,), {"field": field})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=SEQUENCES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            derandomize="PGFLIGHT_TEST_SEQUENCES" not in os.environ,
            suppress_health_check=list(HealthCheck),
            # What a race has shown once may not show again.
            report_multiple_bugs=False,
        ),
    )
