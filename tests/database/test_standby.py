"""A COMMIT that no synchronous standby confirms: done, said so, and not waited for."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import psycopg
import pytest

from flows.database.apply import apply
from flows.database.connection import Conn
from flows.database.online.apply import apply_online
from flows.database.revert import revert
from flows.database.standby import Confirmation
from flows.migration.commit_state import CommitState
from flows.migration.errors import NotReplicated
from flows.migration.flight import Flight
from tests.database.conftest import quiet
from tests.faults.proxy import CommitProxy, Deed
from tests.fix_flight import MakeFlight
from tests.fix_migrations import state_in_ledger

BUDGET_MS = 1_000


@pytest.fixture
def lose_standby(admin: psycopg.Connection) -> Iterator[Callable[[], None]]:
    """From now on the server waits for a standby that does not exist."""

    def lose() -> None:
        _await_standby(admin, "nosuch")

    yield lose
    _await_standby(admin, "")


def _await_standby(admin: psycopg.Connection, name: str) -> None:
    admin.execute("SET synchronous_commit = local")
    admin.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'".encode())
    admin.execute("SELECT pg_reload_conf()")
    deadline = time.monotonic() + 30
    while admin.execute("SHOW synchronous_standby_names").fetchone() != (name,):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    # The checkpointer tells the others whether to wait at all.
    time.sleep(0.2)


def test_commit_is_done_and_said_not_to_be_replicated(
    make_flight: MakeFlight, lose_standby, owner: psycopg.Connection
):
    flight = make_flight(budget_ms=BUDGET_MS)
    lose_standby()
    applied = apply(flight, quiet)
    assert (applied.commit, applied.is_replicated) == (CommitState.ACKED, False)
    assert state_in_ledger(owner) == "applied"


def test_locks_are_given_back_within_the_budget(
    make_flight: MakeFlight, lose_standby, app: psycopg.Connection
):
    """transaction_timeout does not end that wait, nor does statement_timeout."""
    flight = make_flight(budget_ms=BUDGET_MS)
    lose_standby()
    started = time.monotonic()
    apply(flight, quiet)
    app.execute("SELECT count(*) FROM platform.users")
    # Nothing of ours would ever end without it.
    assert time.monotonic() - started < 30


def test_warning_of_a_deferred_trigger_is_no_missing_standby(conn: Conn):
    """It has the same SQLSTATE, and comes at the COMMIT, too."""
    seen = Confirmation()
    conn.execute(
        "CREATE TABLE platform.late ();"
        "CREATE FUNCTION platform.warn() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE WARNING 'mind'; RETURN NULL; END $$;"
        "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON platform.late DEFERRABLE"
        " INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION platform.warn();"
        "INSERT INTO platform.late DEFAULT VALUES"
    )
    conn.add_notice_handler(seen.on_notice)
    conn.commit()
    assert not seen.is_missing


def test_lost_answer_of_a_commit_that_hangs(
    make_flight: MakeFlight, lose_standby, owner: psycopg.Connection
):
    """The backend is released, and what it committed is believed."""
    flight = make_flight(budget_ms=BUDGET_MS)
    lose_standby()
    with CommitProxy(flight.target, Deed.CUT_ANSWER) as proxy:
        applied = apply(replace(flight, target=proxy.target), quiet)
    assert applied.commit is CommitState.RECONCILED_COMMITTED
    assert not applied.is_replicated


def test_online_stops_at_its_first_step(
    make_flight: MakeFlight, lose_standby, owner: psycopg.Connection
):
    flight = make_flight(budget_ms=BUDGET_MS, strategy="online")
    lose_standby()
    with pytest.raises(NotReplicated):
        apply_online(flight, quiet)
    assert state_in_ledger(owner) == "applying"


def test_rollback_is_done_all_the_same(
    make_flight: MakeFlight, lose_standby, owner: psycopg.Connection
):
    flight: Flight = make_flight(budget_ms=BUDGET_MS)
    apply(flight, quiet)
    lose_standby()
    committed = revert(flight, "it was slow", quiet)
    assert not committed.is_replicated
    assert state_in_ledger(owner) == "rolled_back"
