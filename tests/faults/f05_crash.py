"""F5: the server crashes around the COMMIT, and other traffic resumes first.

Beside it runs the control arm: pg_xact_status is asked what became of the transaction,
as the usual advice is. Its wrong answers show that the rounds have teeth.
"""

import time
from threading import Thread

import psycopg

from flows.migration.strategy import Wish
from tests.faults.experiment import Experiment, Turn, fly, order
from tests.faults.f02_answer_lost import expect_success
from tests.faults.ground import Ground
from tests.faults.pilot import Action, Pilot, Seen
from tests.faults.proxy import Deed, Line, Once, WireProxy, commit_of

EARLIEST_S, LATEST_S = -0.004, 0.006
TRAFFIC = 8
"""Transactions of others that commit before the pilot can ask."""
ASKED = "pg_xact_status was asked"
WRONG = "pg_xact_status was wrong"
ARMS: list[tuple[Action, Wish, str]] = [
    ("deploy", "transactional", "apply "),
    ("deploy", "transactional", "apply "),
    ("rollback", "transactional", "rollback "),
    ("deploy", "transactional", "apply "),
    ("deploy", "online", "step-"),
]
XID = """
SELECT backend_xid::text FROM pg_stat_activity WHERE application_name = %s
"""


class Crash:
    """A crash of the server at an offset from a COMMIT, and its recovery."""

    def __init__(self, ground: Ground, offset_s: float) -> None:
        self.proxy: WireProxy | None = None
        self._ground = ground
        self._offset_s = offset_s
        self._watch = ground.admin("before the crash")
        self._xid: str | None = None
        self._thread = Thread(target=self._crash, daemon=True)

    def prepare(self, line: Line) -> None:
        """COMMIT has come to the proxy, and is passed on when this returns."""
        assert self.proxy
        row = self._watch.execute(XID, [line.application]).fetchone()
        self._xid = row[0] if row else None
        self.proxy.may_connect.clear()
        self._thread.start()
        if self._offset_s < 0:
            time.sleep(-self._offset_s)

    def _crash(self) -> None:
        assert self.proxy
        if self._offset_s > 0:
            time.sleep(self._offset_s)
        cluster = self._ground.cluster
        cluster.crash()
        cluster.start_again()
        try:
            self._others()
            self._ask_control()
        finally:
            self.proxy.may_connect.set()

    def finish(self) -> None:
        if self._thread.ident:
            self._thread.join()
        self._watch.close()

    def _others(self) -> None:
        with psycopg.connect(self._ground.world.app_url, autocommit=True) as conn:
            for _ in range(TRAFFIC):
                conn.execute(
                    "UPDATE platform.users SET last_login_at = last_login_at"
                    " WHERE id = (SELECT id FROM platform.users LIMIT 1)"
                )

    def _ask_control(self) -> None:
        """What pg_xact_status says, and what is true."""
        if self._xid is None or self._is_step:
            return
        counts = self._ground.counts
        counts[ASKED] += 1
        try:
            with self._ground.admin() as conn:
                row = conn.execute(
                    "SELECT pg_xact_status(%s::xid8)", [self._xid]
                ).fetchone()
            says = row and row[0]
        except psycopg.Error as error:
            # "In the future": it does not know, and says so.
            assert error.sqlstate == "22023", error
            return
        has_committed = self._ground.fingerprint() == self._aim
        counts[WRONG] += says != ("committed" if has_committed else "aborted")

    @property
    def _application(self) -> str:
        assert self.proxy and isinstance(self.proxy.choose, Once)
        line = self.proxy.choose.line
        return line.application if line else ""

    @property
    def _is_step(self) -> bool:
        """What a step commits, the catalogue does not tell."""
        return self._application.startswith("pgflight step-")

    @property
    def _aim(self) -> dict[str, str]:
        is_back = self._application.startswith("pgflight rollback")
        return self._ground.field.before if is_back else self._ground.field.after


def round_(ground: Ground, turn: Turn) -> list[Seen]:
    action, strategy, session = ARMS[turn.number % len(ARMS)]
    if action == "rollback":
        fly(ground, strategy=strategy)
    crash = Crash(ground, turn.rng.uniform(EARLIEST_S, LATEST_S))
    number = turn.rng.randint(1, 8) if strategy == "online" else 1
    once = Once(commit_of(session, number), Deed.PASS, crash.prepare)
    with WireProxy(ground.cluster.port, once) as proxy:
        crash.proxy = proxy
        url = proxy.through(ground.world.owner_url)
        seen = Pilot(order(ground, action, url, strategy=strategy)).wait()
        crash.finish()
    ground.expect(once.is_done, "I3", f"there was no COMMIT {number} of {session}")
    expect_success(ground, seen)
    return [seen]


EXPERIMENT = Experiment(
    "F05",
    "Server crash -4 to +6 ms around COMMIT",
    round_,
    rounds=200,
    reduced=3,
    is_quiet=True,
)
