"""The ledger and the fence before it."""

from uuid import UUID, uuid4

import psycopg
import pytest

from flows.database.connection import Conn, session
from flows.database.ledger import (
    Run,
    State,
    create_ledger,
    ledger_exists,
    read_fingerprints,
    read_run,
    read_runs,
    record_after,
    record_applied,
    record_state,
    take_fence,
)
from flows.migration.errors import Busy, QueryFailed
from flows.migration.target import Target
from tests.fix_migrations import Dump

ME = uuid4()


def applied(conn: Conn, version: str = "008", rows: int = 10) -> Run:
    """A run that is in the ledger."""
    create_ledger(conn)
    run_id = uuid4()
    values = {"run_id": run_id, "version": version, "name": "n", "checksum": "c"}
    record_applied(
        conn, {**values, "rows_filled": rows, "locked_ms": 500.0}, {"a": "1"}
    )
    run = read_run(conn, run_id)
    assert run is not None
    return run


def test_fence_is_one_sessions(conn: Conn, target: Target):
    take_fence(conn)
    with (
        pytest.raises(
            Busy, match=rf"pgflight test \(pid {conn.info.backend_pid}, since"
        ),
        session(target, "other") as other,
    ):
        take_fence(other)


def test_fence_ends_with_its_transaction(conn: Conn, target: Target):
    take_fence(conn)
    conn.rollback()
    with session(target, "other") as other:
        assert take_fence(other).isdigit()


def test_fence_is_a_databases_own(conn: Conn, server):
    take_fence(conn)
    with psycopg.connect(server.url()) as other:
        held = "SELECT pg_try_advisory_xact_lock(%s)"
        key = int.from_bytes(b"pgflight", "big")
        assert other.execute(held, [key]).fetchone() == (True,)


def test_no_ledger_has_no_runs(conn: Conn):
    assert not ledger_exists(conn)
    assert (read_runs(conn), read_run(conn, UUID(int=0))) == ({}, None)


def test_ledger_made_twice_is_the_same(owner, dump_schema: Dump, target: Target):
    dumps = []
    for _ in range(2):
        with session(target, "test") as conn:
            create_ledger(conn)
            conn.commit()
        dumps.append(dump_schema())
    assert dumps[0] == dumps[1]


def test_ledger_of_an_earlier_build_gets_what_it_lacks(conn: Conn):
    create_ledger(conn)
    conn.execute("DROP FUNCTION pgflight.refuse")
    conn.execute("ALTER TABLE pgflight.saved_row DROP COLUMN is_overwritten")
    create_ledger(conn)
    conn.execute("SELECT is_overwritten FROM pgflight.saved_row")
    with pytest.raises(psycopg.errors.TriggeredActionException, match="so it is"):
        conn.execute("SELECT pgflight.refuse('so it is')")


def test_run_is_read_back(conn: Conn):
    run = applied(conn)
    assert read_runs(conn) == {"008": run}
    assert (run.state, run.applied_by) == ("applied", "platform_owner")


def test_version_is_in_place_once(conn: Conn):
    applied(conn)
    with pytest.raises(psycopg.errors.UniqueViolation):
        applied(conn)


def test_newest_run_of_a_version_counts(conn: Conn):
    record_state(conn, applied(conn), "rolled_back", "", ME)
    second = applied(conn)
    assert read_runs(conn)["008"].run_id == second.run_id


ARROWS: list[tuple[list[State], State, bool]] = [
    ([], "verified", True),
    ([], "accepted", True),
    ([], "rolled_back", True),
    (["verified"], "accepted", True),
    (["accepted"], "rolled_back", True),
    (["accepted"], "verified", False),
    (["rolled_back"], "verified", False),
    (["rolled_back"], "accepted", False),
    (["rolled_back"], "rolled_back", False),
]


@pytest.mark.parametrize(("way", "state", "moves"), ARROWS)
def test_states_move_along_the_arrows(
    conn: Conn, way: list[State], state: State, moves: bool
):
    run = applied(conn)
    for step in way:
        record_state(conn, run, step, "", ME)
    assert record_state(conn, run, state, "", ME) is moves


def test_refused_move_leaves_no_event(conn: Conn):
    run = applied(conn)
    record_state(conn, run, "rolled_back", "first", ME)
    record_state(conn, run, "accepted", "second", ME)
    events = conn.execute("SELECT kind, detail FROM pgflight.event ORDER BY id")
    kinds = [row["kind"] for row in events]
    assert kinds == ["applied", "rolled_back"]


def test_fingerprints_are_kept(conn: Conn):
    run = applied(conn)
    assert read_fingerprints(conn, run.run_id) == ({"a": "1"}, None)
    record_after(conn, run.run_id, {"b": "2"}, None)
    assert read_fingerprints(conn, run.run_id) == ({"a": "1"}, {"b": "2"})


def test_ledger_of_another_role_is_refused(
    admin: psycopg.Connection, ledger: None, target: Target
):
    admin.execute("ALTER SCHEMA pgflight OWNER TO postgres")
    with (
        pytest.raises(QueryFailed, match="permission denied for schema pgflight"),
        session(target, "test") as conn,
    ):
        read_runs(conn)
