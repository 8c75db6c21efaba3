"""COMMIT whose answer is lost: the ledger is asked, and nothing is guessed."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from flows.database.apply import apply
from flows.database.attempt import Work, commit_once
from flows.database.commit import reconcile
from flows.database.connection import Conn
from flows.database.ledger import FENCE_KEY, read_run, record_applied
from flows.database.transaction import FencedTransaction
from flows.migration.commit_state import CommitState
from flows.migration.errors import (
    ApplyFailed,
    BudgetExceeded,
    CommitUnknown,
    LocksNotObtained,
)
from flows.migration.flight import Flight
from flows.migration.target import Target
from tests.database.conftest import HASTY, quiet
from tests.faults.proxy import CommitProxy, Deed
from tests.fix_flight import MakeFlight
from tests.fix_migrations import Dump
from tests.fix_sabotage import Sabotage

MARK = "INSERT INTO platform.mark VALUES (1)"


@pytest.fixture
def proxied(flight: Flight) -> Iterator[Callable[[Deed], Flight]]:
    """The flight, through a proxy that mistreats its first COMMIT."""
    with ExitStack() as stack:

        def through(deed: Deed) -> Flight:
            proxy = stack.enter_context(CommitProxy(flight.target, deed))
            return replace(flight, target=proxy.target)

        yield through


def test_lost_answer_of_a_commit_is_found_out(proxied, owner):
    applied = apply(proxied(Deed.CUT_ANSWER), quiet)
    assert applied.commit is CommitState.RECONCILED_COMMITTED
    assert owner.execute("SELECT count(*) FROM pgflight.run").fetchone() == (1,)


def test_swallowed_commit_is_tried_again_once(proxied, owner):
    applied = apply(proxied(Deed.SWALLOW), quiet)
    assert (applied.commit, applied.attempt) == (CommitState.ACKED, 2)
    assert owner.execute("SELECT count(*) FROM pgflight.run").fetchone() == (1,)


def test_terminated_commit_did_not_commit(
    make_flight: MakeFlight, sabotage: Sabotage, dump_schema: Dump
):
    sabotage("PERFORM pg_terminate_backend(pg_backend_pid())")
    before = dump_schema()
    with pytest.raises(LocksNotObtained, match="lost at COMMIT"):
        commit_apply(make_flight())
    assert dump_schema() == before


def commit_apply(flight: Flight) -> None:
    """Only the ledger row of an apply, with a short ladder."""

    values = {"run_id": flight.run_id, "version": "008", "name": "", "checksum": ""}

    def run(transaction: FencedTransaction) -> None:
        transaction.start_clock()
        counts = {"rows_filled": 0, "locked_ms": 0}
        record_applied(transaction.conn, {**values, **counts}, {})

    def has_committed(conn: Conn) -> bool:
        return read_run(conn, flight.run_id) is not None

    commit_once(flight, Work("apply", (), run, has_committed), quiet, HASTY)


def test_commit_refused_by_a_constraint_fails(
    make_flight: MakeFlight, sabotage: Sabotage, dump_schema: Dump
):
    sabotage("RAISE EXCEPTION 'not today'")
    before = dump_schema()
    with pytest.raises(ApplyFailed, match="COMMIT was refused: not today"):
        commit_apply(make_flight())
    assert dump_schema() == before


def test_budget_holds_at_commit(make_flight: MakeFlight, sabotage: Sabotage, server):
    if server.version < 170_000:
        pytest.xfail("only transaction_timeout bounds a COMMIT")
    sabotage("PERFORM pg_sleep(3)")
    with pytest.raises(BudgetExceeded):
        commit_apply(make_flight(budget_ms=500))


def test_reconcile_waits_for_the_fence(flight: Flight, owner):
    owner.execute("BEGIN")
    owner.execute("SELECT pg_advisory_xact_lock(%s)", [FENCE_KEY])
    asked: list[bool] = []
    released: list[bool] = []

    def release() -> None:
        released.append(not asked)
        owner.execute("COMMIT")

    threading.Timer(0.4, release).start()

    def has_committed(conn: Conn) -> bool:
        asked.append(True)
        return True

    reconcile(flight, has_committed)
    assert released == [True]


def test_reconcile_gives_up_when_nobody_answers(
    flight: Flight, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("flows.database.commit.RECONCILE_FOR_S", 0.5)
    gone = flight.target.database_url.get_secret_value()
    target = Target(type(flight.target.database_url)(_at_port(gone, 9)))
    with pytest.raises(CommitUnknown, match=r"for 0.5 s: Cannot reach") as caught:
        reconcile(replace(flight, target=target), lambda conn: True)
    assert str(flight.run_id) in caught.value.help


def test_reconcile_refuses_another_database(flight: Flight):
    identity = replace(flight.identity, database="other")
    with pytest.raises(CommitUnknown, match="another database"):
        reconcile(replace(flight, identity=identity), lambda conn: True)


def test_reconcile_refuses_another_server(flight: Flight):
    identity = replace(flight.identity, system_identifier="1")
    with pytest.raises(CommitUnknown, match="another database"):
        reconcile(replace(flight, identity=identity), lambda conn: True)


def _at_port(url: str, port: int) -> str:
    head, _, tail = url.rpartition(":")
    return f"{head}:{port}/{tail.partition('/')[2]}"


def test_reconcile_believes_no_absence_after_a_failover(flight: Flight):
    """The old primary may have committed what the new one never got."""
    identity = replace(flight.identity, timeline="0000000A")
    with pytest.raises(CommitUnknown, match="promoted since"):
        reconcile(replace(flight, identity=identity), lambda conn: False)


def test_reconcile_believes_what_is_there_after_a_failover(flight: Flight):
    identity = replace(flight.identity, timeline="0000000A")
    answer = reconcile(replace(flight, identity=identity), lambda conn: True)
    assert answer and answer.state is CommitState.RECONCILED_COMMITTED


def test_reconcile_finds_no_ledger(flight: Flight):
    def has_committed(conn: Conn) -> bool:
        return read_run(conn, flight.run_id) is not None

    assert reconcile(flight, has_committed) is None
