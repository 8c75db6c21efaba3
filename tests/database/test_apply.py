"""Applying a migration: all of it with its ledger row, or nothing."""

from pathlib import Path

import pytest

from flows.database.apply import apply
from flows.database.connection import reading
from flows.database.ledger import read_run
from flows.database.revert import revert
from flows.migration.commit_state import CommitState
from flows.migration.errors import (
    ApplyFailed,
    Blocked,
    BudgetExceeded,
    ChecksFailed,
    QueryFailed,
    StatementFailed,
)
from flows.migration.flight import Flight
from flows.migration.probe import Verdict
from tests.database.conftest import Bare, quiet
from tests.fix_flight import MakeFlight
from tests.fix_migrations import Dump


def test_apply_writes_the_ledger_row(flight: Flight):
    apply(flight, quiet)
    with reading(flight.target, "test") as conn:
        run = read_run(conn, flight.run_id)
    assert run and (run.version, run.state, run.rows_filled) == ("008", "applied", 450)


def test_apply_appends_an_event(flight: Flight, owner):
    apply(flight, quiet)
    events = owner.execute("SELECT kind, version FROM pgflight.event").fetchall()
    assert events == [("applied", "008")]


def test_apply_reports_rows_and_attempt(flight: Flight):
    applied = apply(flight, quiet)
    assert (applied.rows, applied.attempt, applied.commit) == (
        450,
        1,
        CommitState.ACKED,
    )


def test_apply_passes_all_checks(flight: Flight):
    checks = apply(flight, quiet).checks
    assert {check.verdict for check in checks} == {Verdict.PASS}
    assert {check.kind for check in checks} >= {
        *("column", "index", "foreign key", "function", "backfill", "behaviour")
    }


def test_apply_reports_the_strongest_lock_of_each_table(flight: Flight):
    locks = {lock.table: lock.mode for lock in apply(flight, quiet).locks}
    assert locks["platform.users"] == "ACCESS EXCLUSIVE"
    assert locks["platform.organizations"] == "SHARE ROW EXCLUSIVE"


def test_apply_reports_how_long_each_lock_was_held(flight: Flight):
    applied = apply(flight, quiet)
    held = {lock.table: lock.held_ms for lock in applied.locks}
    assert 0 < held["platform.organizations"] < held["platform.users"]
    assert held["platform.users"] <= applied.total_ms


def test_apply_says_each_statement(flight: Flight):
    said: list[str] = []
    apply(flight, said.append)
    assert said[1] == "UPDATE platform.users: 450 rows"
    assert len(said) == len(flight.migration.up.statements)


def test_statement_error_names_place_and_shows_statement(
    make_flight: MakeFlight, up: Path
):
    up.write_text("SELECT 1;\n  SELECT nothing\n  FROM nowhere")
    with pytest.raises(StatementFailed) as caught:
        apply(make_flight(), quiet)
    assert f"{up}:3:8: relation" in caught.value.message
    assert "SELECT nothing\n  FROM nowhere" in caught.value.help


def test_statement_error_leaves_nothing(
    make_flight: MakeFlight, up: Path, dump_schema: Dump
):
    before = dump_schema()
    up.write_text(up.read_text() + "SELECT 1/0;")
    with pytest.raises(StatementFailed, match="division by zero"):
        apply(make_flight(), quiet)
    assert dump_schema() == before


def test_failed_check_leaves_nothing(
    make_flight: MakeFlight, up: Path, dump_schema: Dump
):
    before = dump_schema()
    statement = "UPDATE platform.users SET active_org_id = NULL WHERE email <> '';"
    up.write_text("\n".join([up.read_text(), statement]))
    with pytest.raises(ChecksFailed, match="450 missing"):
        apply(make_flight(), quiet)
    assert dump_schema() == before


def test_failed_behaviour_leaves_nothing(
    make_flight: MakeFlight, folder: Path, dump_schema: Dump
):
    before = dump_schema()
    (folder / "008_active_org/verify.sql").write_text("SELECT 1/0")
    with pytest.raises(ChecksFailed, match=r"verify.sql:1:1: division by zero"):
        apply(make_flight(), quiet)
    assert dump_schema() == before


def test_uncountable_backfill_is_a_failed_check(make_flight: MakeFlight, folder: Path):
    manifest = folder / "008_active_org/migration.toml"
    manifest.write_text(manifest.read_text().replace("SELECT user_id,", "SELECT nix,"))
    with pytest.raises(ChecksFailed, match='cannot be counted: column "nix"'):
        apply(make_flight(), quiet)


def test_backfill_of_no_table_is_named(make_flight: MakeFlight, folder: Path):
    manifest = folder / "008_active_org/migration.toml"
    text = manifest.read_text()
    manifest.write_text(
        text.replace(
            '[backfill]\ntable = "platform.users"', '[backfill]\ntable = "nix"'
        )
    )
    with pytest.raises(QueryFailed, match="table nix: it does not exist"):
        apply(make_flight(), quiet)


def test_deferred_constraint_is_checked_before_commit(
    make_flight: MakeFlight, bare: Bare
):
    bare("""
        CREATE TABLE platform.a (id int PRIMARY KEY, other int REFERENCES platform.a
          DEFERRABLE INITIALLY DEFERRED);
        INSERT INTO platform.a VALUES (1, 2)""")
    with pytest.raises(ApplyFailed, match=r"The COMMIT would fail: .*23503"):
        apply(make_flight(), quiet)


def test_budget_ends_the_statement(
    make_flight: MakeFlight, bare: Bare, dump_schema: Dump
):
    before = dump_schema()
    bare("CREATE TABLE platform.a (); SELECT pg_sleep(5)")
    with pytest.raises(BudgetExceeded, match="300 ms"):
        apply(make_flight(budget_ms=300), quiet)
    assert dump_schema() == before


def test_budget_is_the_transactions(make_flight: MakeFlight, bare: Bare):
    bare("SELECT pg_sleep(0.3); SELECT pg_sleep(0.3); SELECT pg_sleep(0.3)")
    with pytest.raises(BudgetExceeded):
        apply(make_flight(budget_ms=700), quiet)


def test_statement_timeout_of_the_role_does_not_count(
    make_flight: MakeFlight, bare: Bare, owner
):
    owner.execute("ALTER ROLE platform_owner SET statement_timeout = '200ms'")
    try:
        bare("SELECT pg_sleep(0.4)")
        apply(make_flight(), quiet)
    finally:
        owner.execute("ALTER ROLE platform_owner RESET statement_timeout")


def test_cancelled_statement_is_not_called_the_budget(
    make_flight: MakeFlight, bare: Bare
):
    bare("SELECT pg_cancel_backend(pg_backend_pid()); SELECT pg_sleep(1)")
    with pytest.raises(ApplyFailed, match="user request"):
        apply(make_flight(), quiet)


def test_second_apply_is_blocked(make_flight: MakeFlight):
    apply(make_flight(), quiet)
    with pytest.raises(Blocked, match="was applied by platform_owner"):
        apply(make_flight(), quiet)


def test_deploy_after_rollback_works(make_flight: MakeFlight, owner):
    apply(make_flight(), quiet)
    revert(make_flight(), "test", quiet)
    apply(make_flight(), quiet)
    states = owner.execute("SELECT state FROM pgflight.run ORDER BY applied_at")
    assert states.fetchall() == [("rolled_back",), ("applied",)]


def test_moved_statement_that_meets_a_pending_trigger_keeps_its_place(
    make_flight: MakeFlight, bare: Bare, owner
):
    """A deferred trigger of the table's own, unknown to whoever reads up.sql."""
    owner.execute(
        "CREATE FUNCTION platform.late() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RETURN NULL; END $$;"
        "CREATE CONSTRAINT TRIGGER late AFTER UPDATE ON platform.users"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION platform.late()"
    )
    bare(
        "CREATE INDEX by_name ON platform.users (display_name);\n"
        "UPDATE platform.users SET display_name = 'x' WHERE email <> '';"
    )
    said: list[str] = []
    assert apply(make_flight(), said.append).rows == 500
    assert any("once more, in the order of the file" in line for line in said)


def test_statement_that_stays_in_its_place_fails_for_good(
    make_flight: MakeFlight, bare: Bare
):
    bare("SELECT 1 / 0")
    said: list[str] = []
    with pytest.raises(StatementFailed, match="division by zero"):
        apply(make_flight(), said.append)
    assert said == []
