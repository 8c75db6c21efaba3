"""Applying a migration online: the same result as in one transaction."""

import time

import psycopg
import pytest

from flows.database.apply import apply
from flows.database.ledger import FENCE_KEY
from flows.database.online.apply import apply_online
from flows.migration.errors import Blocked, Busy, ChecksFailed
from flows.migration.flight import Flight
from flows.migration.probe import Verdict
from tests.database.conftest import Bare, quiet
from tests.database.online.conftest import FlyOnline
from tests.fix_flight import MakeFlight
from tests.fix_migrations import Dump

STEPS = 8
USERS = "SELECT id, active_org_id FROM platform.users ORDER BY id"


def states(owner: psycopg.Connection) -> list[tuple[str, str]]:
    return owner.execute("SELECT state, strategy FROM pgflight.run").fetchall()


def test_online_is_recorded_step_by_step(fly_online: FlyOnline, owner):
    fly_online()
    assert states(owner) == [("applied", "online")]
    steps = owner.execute("SELECT state FROM pgflight.step").fetchall()
    assert steps == [("done",)] * STEPS
    kinds = owner.execute("SELECT kind FROM pgflight.event ORDER BY id").fetchall()
    assert kinds == [("applying",), ("applied",)]


def test_online_counts_the_rows_that_it_filled(fly_online: FlyOnline, owner):
    assert fly_online().rows == 450
    assert owner.execute("SELECT rows_filled FROM pgflight.run").fetchone() == (450,)


def test_online_says_each_step(online: Flight):
    said: list[str] = []
    apply_online(online, said.append)
    assert len(said) == STEPS
    assert said[0] == "ALTER TABLE platform.users ADD COLUMN active_org_id"


def test_online_passes_all_checks(fly_online: FlyOnline):
    checks = fly_online().checks
    assert {check.verdict for check in checks} == {Verdict.PASS}
    assert "behaviour" in {check.kind for check in checks}


def test_online_holds_no_lock_for_long(fly_online: FlyOnline):
    locks = fly_online().locks
    strong = [lock for lock in locks if lock.mode == "ACCESS EXCLUSIVE"]
    assert [lock.table for lock in strong] == ["platform.users"]
    assert 0 < strong[0].held_ms < 1_000


def test_online_gives_the_same_schema_and_rows(
    make_flight: MakeFlight,
    owner: psycopg.Connection,
    dump_schema: Dump,
):
    apply(make_flight(), quiet)
    schema, rows = dump_schema(), owner.execute(USERS).fetchall()
    owner.execute(
        (make_flight().migration.down.text).encode()  # type: ignore[union-attr]
    )
    owner.execute("DROP SCHEMA pgflight CASCADE")
    apply_online(make_flight(strategy="online"), quiet)
    assert dump_schema() == schema
    assert owner.execute(USERS).fetchall() == rows


def test_steps_and_locks_are_placed_in_the_run(online: Flight):
    before = online.report.offset_ms(time.monotonic())
    applied = apply_online(online, quiet)
    after = online.report.offset_ms(time.monotonic())
    starts = [done.at_ms for done in applied.statements]
    assert starts == sorted(starts)
    moments = [*starts, *(lock.at_ms for lock in applied.locks)]
    assert before < min(moments) < max(moments) < after


def test_online_again_sends_nothing(online: Flight, owner):
    """As after a last COMMIT whose answer was lost."""
    apply_online(online, quiet)
    said: list[str] = []
    assert apply_online(online, said.append).rows == 450
    assert all(line.endswith(": done by an earlier run") for line in said)
    kinds = owner.execute("SELECT kind FROM pgflight.event ORDER BY id").fetchall()
    assert kinds == [("applying",), ("applied",)]


def test_run_that_was_rolled_back_is_not_continued(
    online: Flight, owner: psycopg.Connection
):
    apply_online(online, quiet)
    owner.execute("UPDATE pgflight.run SET state = 'rolled_back'")
    with pytest.raises(Blocked, match="is rolled_back, not unfinished"):
        apply_online(online, quiet)


def test_run_that_was_begun_with_another_plan_is_not_continued(
    online: Flight, owner: psycopg.Connection
):
    """A later version of pgflight may have other steps under the same numbers."""
    apply_online(online, quiet)
    owner.execute("UPDATE pgflight.run SET state = 'applying'")
    owner.execute("UPDATE pgflight.step SET summary = 'another' WHERE number = 2")
    with pytest.raises(Blocked, match="begun with another plan: its step 2 was anoth"):
        apply_online(online, quiet)
    assert states(owner) == [("applying", "online")]


def test_online_beside_another_deployer_is_busy(online: Flight, owner):
    with owner.transaction():
        owner.execute("SELECT pg_advisory_xact_lock(%s)", [FENCE_KEY])
        with pytest.raises(Busy, match="Another deployment is at work"):
            apply_online(online, quiet)
    assert owner.execute("SELECT to_regnamespace('pgflight')").fetchone() == (None,)


def test_transactional_beside_an_online_one_is_busy(
    make_flight: MakeFlight, online: Flight
):
    other = make_flight()
    refusals: list[str] = []

    def say(line: str) -> None:
        if not refusals:
            with pytest.raises(Busy) as caught:
                apply(other, quiet)
            refusals.append(caught.value.message)

    apply_online(online, say)
    assert f"pgflight fence {online.run_id} 008" in refusals[0]


def test_idle_fence_holds_nothing_back(online: Flight, admin: psycopg.Connection):
    """Neither VACUUM nor another's CREATE INDEX CONCURRENTLY waits for it."""
    seen: list[object] = []

    def say(line: str) -> None:
        seen.append(
            admin.execute(
                "SELECT backend_xid, backend_xmin FROM pg_stat_activity"
                " WHERE application_name LIKE 'pgflight fence %'"
            ).fetchone()
        )

    apply_online(online, say)
    assert set(seen) == {(None, None)}


def test_failed_check_takes_everything_back(
    make_flight: MakeFlight, folder, owner, dump_schema: Dump
):
    verify = folder / "008_active_org" / "verify.sql"
    verify.write_text("DO $$ BEGIN RAISE 'not good'; END $$")
    before = dump_schema()
    with pytest.raises(ChecksFailed, match="not good"):
        apply_online(make_flight(strategy="online"), quiet)
    assert states(owner) == [("rolled_back", "online")]
    owner.execute("DROP SCHEMA pgflight CASCADE")
    assert dump_schema() == before


def test_lock_that_verify_does_not_get_takes_nothing_back(
    make_flight: MakeFlight, folder, owner
):
    """It says nothing about the migration, and the verification tries it again."""
    verify = folder / "008_active_org" / "verify.sql"
    verify.write_text("DO $$ BEGIN RAISE 'in the way' USING ERRCODE = '55P03'; END $$")
    apply_online(make_flight(strategy="online"), quiet)
    assert states(owner) == [("applied", "online")]


def test_deploy_after_a_failed_one_starts_anew(
    make_flight: MakeFlight, folder, fly_online: FlyOnline, owner
):
    verify = folder / "008_active_org" / "verify.sql"
    good = verify.read_text()
    verify.write_text("DO $$ BEGIN RAISE 'not good'; END $$")
    with pytest.raises(ChecksFailed):
        fly_online()
    verify.write_text(good)
    fly_online()
    assert sorted(states(owner)) == [("applied", "online"), ("rolled_back", "online")]


def test_several_backfills_and_a_dropped_source(
    bare: Bare, fly_online: FlyOnline, owner: psycopg.Connection
):
    """The last sweep does not trip over what a later step has dropped."""
    owner.execute("ALTER TABLE platform.users ADD first text DEFAULT 'a'")
    bare(
        "ALTER TABLE platform.users ADD COLUMN name text;\n"
        "UPDATE platform.users SET name = first WHERE name IS NULL;\n"
        "ALTER TABLE platform.users DROP COLUMN first;"
    )
    fly_online()
    names = owner.execute("SELECT DISTINCT name FROM platform.users").fetchall()
    assert names == [("a",)]


def test_dropped_source_of_a_value_is_not_missed_by_the_last_sweep(
    bare: Bare, make_flight: MakeFlight, owner: psycopg.Connection
):
    """A row that came since lacks a value, and nobody can compute it any more."""
    owner.execute("ALTER TABLE platform.users ADD first text DEFAULT 'a'")
    bare(
        "ALTER TABLE platform.users ADD COLUMN name text;\n"
        "UPDATE platform.users SET name = coalesce(first, '') WHERE name IS NULL;\n"
        "ALTER TABLE platform.users DROP COLUMN first;"
    )

    def say(line: str) -> None:
        if "DROP COLUMN" in line:
            owner.execute(
                "UPDATE platform.users SET name = NULL WHERE email LIKE '%1@%'"
            )

    apply_online(make_flight(strategy="online"), say)
    assert states(owner) == [("applied", "online")]
