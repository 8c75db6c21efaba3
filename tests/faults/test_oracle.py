"""The oracle, and the users that it asks about, on a ground that nobody has harmed."""

import time

import psycopg
import pytest
from psycopg.errors import AdminShutdown, LockNotAvailable, QueryCanceled

from tests.faults.experiment import fly
from tests.faults.ground import Ground
from tests.faults.load import is_away
from tests.faults.oracle import judge, look
from tests.faults.verdict import Verdict

PATIENCE_S = 30.0


def test_error_that_a_user_was_told_is_a_breach(ground: Ground) -> None:
    ground.model.errors.append("read: 40P01: deadlock detected")
    judgement = judge(ground, [fly(ground)], lambda: fly(ground), budget_s=20.0)
    assert [str(breach) for breach in judgement.breaches] == [
        "I8: somebody was told read: 40P01: deadlock detected"
    ]
    assert judgement.verdict is Verdict.LOST


def test_what_only_pg_dump_sees_is_a_breach(ground: Ground) -> None:
    """The deployer's own fingerprint does not look so far."""
    ground.execute("COMMENT ON EVENT TRIGGER note_ddl IS 'left behind'")
    assert ground.fingerprint() == ground.field.before
    (breach,) = look(ground, [])
    assert breach.invariant == "I1"
    assert "left behind" in breach.text


def test_reader_and_writer_note_what_they_are_told(ground: Ground) -> None:
    """Not only what is a mistake of theirs: a lock that they did not get, too."""
    ground.set("lock_timeout", "20ms")
    deadline, told = time.monotonic() + PATIENCE_S, set[str]()
    with ground.admin("in the way") as other, ground.load(seed=1):
        other.autocommit = False
        other.execute("LOCK TABLE platform.users")
        while told < {"read", "write"} and time.monotonic() < deadline:
            told = {error.partition(": 55P03: ")[0] for error in ground.model.errors}
            time.sleep(0.01)
    assert told == {"read", "write"}


@pytest.mark.parametrize(
    ("error", "is_so"),
    [
        (psycopg.OperationalError(), True),
        (AdminShutdown(), True),
        (QueryCanceled(), False),
        (LockNotAvailable(), False),
    ],
)
def test_server_that_is_away_is_no_error(error: psycopg.Error, is_so: bool) -> None:
    assert is_away(error) == is_so
