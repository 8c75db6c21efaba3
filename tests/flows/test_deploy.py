"""The flow deploy-migration, on a real server, application and Prefect engine."""

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from flows.database.claim import CLAIM_KEY
from flows.demo.service import run_application
from flows.demo.world import World
from flows.migration.outcome import Outcome
from flows.migration.probe import Verdict
from tests.fix_flight import Edit
from tests.fix_migrations import Dump, is_in_place, state_in_ledger
from tests.fix_prefect import Fly
from tests.fix_sabotage import Sabotage

# What goes well ---------------------------------------------------------------


def test_deploy_ends_accepted(deploy: Fly, owner: psycopg.Connection) -> None:
    report = deploy()
    assert (report.outcome, report.exit_code) == (Outcome.DEPLOYED, 0)
    assert state_in_ledger(owner) == "accepted"


def test_report_says_what_users_felt(deploy: Fly) -> None:
    applied = deploy().applied
    assert applied is not None
    locks = {lock.table: lock for lock in applied.locks}
    assert locks["platform.users"].mode == "ACCESS EXCLUSIVE"
    assert 0 < locks["platform.users"].held_ms <= applied.total_ms
    assert applied.waits.samples > 0
    assert applied.rows == 450


def test_log_has_the_lines_an_operator_expects(
    deploy: Fly, caplog: pytest.LogCaptureFixture
) -> None:
    deploy()
    wanted = [
        "✅ DATABASE_URL configured",
        "✅ Migration file loaded",
        "✅ Migration not yet applied, proceeding...",
        "✅ Migration executed successfully",
        "✅ Column created",
        "✅ Helper functions created",
        "✅ Migration 008 applied successfully!",
    ]
    missing = [line for line in wanted if line not in caplog.text]
    assert missing == []


def test_deploy_again_sends_no_ddl(deploy: Fly, admin: psycopg.Connection) -> None:
    deploy()
    # Any DDL statement would now fail.
    admin.execute(
        "CREATE FUNCTION public.veto() RETURNS event_trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'DDL: %', tg_tag; END $$"
    )
    admin.execute("CREATE EVENT TRIGGER veto ON ddl_command_start"
                  " EXECUTE FUNCTION public.veto()")  # fmt: skip
    report = deploy()
    assert (report.outcome, report.exit_code) == (Outcome.NOTHING_TO_DO, 0)
    assert report.checks


def test_008_deploys_without_007_and_007_later(
    deploy: Fly, folder: Path, owner: psycopg.Connection
) -> None:
    assert deploy("007").outcome is Outcome.BLOCKED
    assert deploy("008").outcome is Outcome.DEPLOYED
    manifest = folder / "007_session_context" / "migration.toml"
    lines = manifest.read_text().split("\n")
    manifest.write_text("\n".join(_without_table(lines, "[hold]")))
    assert deploy("007").outcome is Outcome.DEPLOYED


def _without_table(lines: list[str], header: str) -> list[str]:
    start = lines.index(header)
    rest = (n for n in range(start + 1, len(lines)) if lines[n].startswith("["))
    return lines[:start] + lines[next(rest, len(lines)) :]


def test_smoke_user_is_left_as_found(
    deploy: Fly, world: World, owner: psycopg.Connection
) -> None:
    deploy()
    row = owner.execute(
        "SELECT u.active_org_id = m.org_id FROM platform.users AS u JOIN ("
        "  SELECT org_id, user_id FROM platform.org_members WHERE user_id = %s"
        "  ORDER BY joined_at, org_id LIMIT 1) AS m ON m.user_id = u.id",
        [world.smoke.user_id],
    ).fetchone()
    # The backfill's value, not the one that the probe set.
    assert row == (True,)


def test_interrupted_run_is_continued(
    deploy: Fly, owner: psycopg.Connection, sabotage: Sabotage
) -> None:
    """A run that committed and was never judged is verified, tested and accepted."""
    deploy()
    owner.execute("UPDATE pgflight.run SET state = 'applied'")
    report = deploy()
    assert report.outcome is Outcome.DEPLOYED
    assert report.applied is None
    assert state_in_ledger(owner) == "accepted"


# What is refused is in the audit -----------------------------------------------


def _last_event(owner: psycopg.Connection) -> tuple[str, str, str, str]:
    row = owner.execute(
        "SELECT version, kind, outcome, detail FROM pgflight.event ORDER BY id DESC"
    ).fetchone()
    assert row is not None
    version, kind, outcome, detail = row
    return version, kind, outcome, detail


def test_refused_attempt_is_in_the_audit(
    deploy: Fly, roll_back: Fly, owner: psycopg.Connection, ledger: None
) -> None:
    deploy("007")
    *told, detail = _last_event(owner)
    assert told == ["007", "ended", "BLOCKED"]
    assert detail.startswith("deploy: Migration 007 is on hold")
    roll_back("008")
    *told, detail = _last_event(owner)
    assert told == ["008", "ended", "BLOCKED"]
    assert detail.startswith("rollback: Migration 008 is not in place here")


def test_busy_attempt_is_in_the_audit(
    deploy: Fly, owner: psycopg.Connection, ledger: None
) -> None:
    owner.execute("SELECT pg_advisory_lock(%s)", [CLAIM_KEY])
    deploy("008")
    *told, detail = _last_event(owner)
    assert told == ["008", "ended", "BLOCKED"]
    assert detail.startswith("deploy: Another deployment is at work")
    assert owner.execute("SELECT count(*) FROM pgflight.event").fetchone() == (1,)


@pytest.mark.parametrize("version", ["008", "999"])
def test_attempt_that_meant_something_else_is_not_in_the_audit(
    deploy: Fly,
    owner: psycopg.Connection,
    ledger: None,
    monkeypatch: pytest.MonkeyPatch,
    version: str,
) -> None:
    monkeypatch.setenv("PGFLIGHT_EXPECTED_DATABASE", "another")
    assert deploy(version).outcome is Outcome.BLOCKED
    events = owner.execute("SELECT count(*) FROM pgflight.event").fetchone()
    assert events == (0,)


# Each step fails --------------------------------------------------------------


def test_preflight_failure_blocks(
    deploy: Fly, owner: psycopg.Connection, dump_schema: Dump, append: Edit
) -> None:
    before = dump_schema()
    append("up.sql", "VACUUM;")
    report = deploy()
    assert (report.outcome, report.exit_code) == (Outcome.BLOCKED, 10)
    assert state_in_ledger(owner) is None
    assert dump_schema() == before


def test_baseline_failure_blocks(
    deploy: Fly,
    owner: psycopg.Connection,
    ledger: None,
    dump_schema: Dump,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = dump_schema()
    monkeypatch.setenv("PGFLIGHT_TOKEN", "nobody's")
    report = deploy()
    assert (report.outcome, report.exit_code) == (Outcome.BLOCKED, 10)
    assert "me:" in report.errors[0]
    assert state_in_ledger(owner) is None
    assert dump_schema() == before


def test_apply_failure_rolls_back(
    deploy: Fly,
    owner: psycopg.Connection,
    ledger: None,
    dump_schema: Dump,
    append: Edit,
) -> None:
    before = dump_schema()
    append("up.sql", "SELECT no_such_function();")
    report = deploy()
    assert (report.outcome, report.exit_code) == (Outcome.ROLLED_BACK, 20)
    assert "up.sql:" in report.errors[0]
    assert "no_such_function" in report.errors[0]
    assert report.rollback is None
    assert state_in_ledger(owner) is None
    assert dump_schema() == before


def test_budget_rolls_back(
    deploy: Fly,
    owner: psycopg.Connection,
    ledger: None,
    dump_schema: Dump,
    append: Edit,
) -> None:
    before = dump_schema()
    append("up.sql", "SELECT pg_sleep(10);")
    report = deploy(budget_ms=800)
    assert (report.outcome, report.exit_code) == (Outcome.ROLLED_BACK, 20)
    assert "budget of 800 ms" in report.errors[0]
    assert state_in_ledger(owner) is None
    assert dump_schema() == before


def test_check_before_commit_rolls_back(
    deploy: Fly,
    owner: psycopg.Connection,
    ledger: None,
    dump_schema: Dump,
    append: Edit,
) -> None:
    before = dump_schema()
    append("verify.sql", "DO $$ BEGIN RAISE EXCEPTION 'not good enough'; END $$;")
    report = deploy()
    assert (report.outcome, report.exit_code) == (Outcome.ROLLED_BACK, 20)
    assert "not good enough" in report.errors[0]
    assert report.rollback is None
    assert state_in_ledger(owner) is None
    assert dump_schema() == before


SABOTAGES = {
    "column": "COMMENT ON COLUMN platform.users.active_org_id IS ''sabotage''",
    "index": "DROP INDEX platform.idx_users_active_org",
    "foreign key": "ALTER TABLE platform.users DROP CONSTRAINT"
    " users_active_org_id_fkey",
    "function": "GRANT EXECUTE ON FUNCTION platform.get_user_active_org(uuid)"
    " TO PUBLIC",
    "behaviour": "CREATE OR REPLACE FUNCTION platform.get_user_active_org(p_user_id"
    " uuid) RETURNS uuid LANGUAGE sql STABLE SECURITY DEFINER"
    " SET search_path = pg_catalog, pg_temp AS ''SELECT NULL::uuid''",
}


@pytest.mark.parametrize("kind", SABOTAGES)
def test_verification_failure_is_rolled_back(
    kind: str,
    deploy: Fly,
    sabotage: Sabotage,
    owner: psycopg.Connection,
    dump_schema: Dump,
) -> None:
    sabotage(SABOTAGES[kind].replace("''", "'"))
    before = dump_schema()
    report = deploy()
    assert (report.outcome, report.exit_code) == (Outcome.ROLLED_BACK, 20)
    failed = {check.kind for check in report.failed_checks}
    assert kind in failed
    assert report.rollback is not None
    assert state_in_ledger(owner) == "rolled_back"
    assert dump_schema() == before


def test_lost_backfill_is_for_a_person_to_judge(
    deploy: Fly,
    sabotage: Sabotage,
    owner: psycopg.Connection,
    dump_schema: Dump,
) -> None:
    """Rows that change after the COMMIT are never a reason to roll back."""
    sabotage("UPDATE platform.users SET active_org_id = NULL")
    report = deploy()
    assert (report.outcome, report.exit_code) == (Outcome.NEEDS_DECISION, 40)
    assert [check.kind for check in report.failed_checks] == ["backfill"]
    assert state_in_ledger(owner) == "applied"
    assert is_in_place(dump_schema())


def test_read_only_server_is_for_a_person_to_judge(
    deploy: Fly, sabotage: Sabotage, owner: psycopg.Connection
) -> None:
    """verify.sql cannot write any more: that is no fault of the migration's."""
    database = owner.info.dbname
    sabotage(
        f"ALTER ROLE platform_owner IN DATABASE {database}"
        " SET default_transaction_read_only = on"
    )
    report = deploy()
    assert (report.outcome, report.exit_code) == (Outcome.NEEDS_DECISION, 40)
    assert report.rollback is None
    assert state_in_ledger(owner) == "applied"


def test_backfill_that_cannot_be_counted_is_for_a_person_to_judge(
    deploy: Fly, sabotage: Sabotage, owner: psycopg.Connection
) -> None:
    sabotage("ALTER TABLE platform.org_members RENAME COLUMN org_id TO organization")
    report = deploy()
    backfill = [check for check in report.failed_checks if check.kind == "backfill"]
    assert [check.verdict for check in backfill] == [Verdict.INCONCLUSIVE]


def test_live_traffic_is_no_failure(
    deploy: Fly, sabotage: Sabotage, owner: psycopg.Connection
) -> None:
    """A user who leaves right after the COMMIT changes nothing about the verdict."""
    sabotage(
        "DELETE FROM platform.org_members WHERE user_id IN"
        " (SELECT user_id FROM platform.org_members LIMIT 1)"
    )
    assert deploy().outcome is Outcome.DEPLOYED


def test_smoke_failure_is_rolled_back(
    deploy: Fly,
    world: World,
    owner: psycopg.Connection,
    dump_schema: Dump,
    ledger: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = dump_schema()
    with run_application(world, "endpoint") as broken:
        monkeypatch.setenv("PGFLIGHT_ENDPOINT", broken)
        report = deploy()
    assert (report.outcome, report.exit_code) == (Outcome.ROLLED_BACK, 20)
    assert "member sets the organization" in report.errors[0]
    assert report.rollback is not None
    assert report.rollback.saved[0].rows == 450
    assert state_in_ledger(owner) == "rolled_back"
    assert dump_schema() == before


def test_smoke_failure_counts_more_than_what_it_leaves(
    deploy: Fly, owner: psycopg.Connection, folder: Path
) -> None:
    """The smoke user cannot be put back, and the application answers wrongly."""
    owner.execute(
        "CREATE FUNCTION platform.veto() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'not now'; END $$;"
        "CREATE TRIGGER veto BEFORE UPDATE ON platform.users FOR EACH ROW WHEN"
        " (current_setting('application_name') LIKE 'pgflight restore%')"
        " EXECUTE FUNCTION platform.veto()"
    )
    manifest = folder / "008_active_org" / "migration.toml"
    manifest.write_text(manifest.read_text().replace("status = 403", "status = 418"))
    report = deploy()
    assert report.outcome is Outcome.ROLLED_BACK
    assert "status 403 instead of 418" in report.errors[0]
    assert "could not leave platform.users.active_org_id as found" in report.errors[0]
    assert state_in_ledger(owner) == "rolled_back"


def test_hanging_application_is_for_a_person_to_judge(
    deploy: Fly,
    sabotage: Sabotage,
    owner: psycopg.Connection,
    folder: Path,
    dump_schema: Dump,
    stop_application_on: Callable[[str], None],
) -> None:
    """Whoever does not answer proves nothing against the migration."""
    manifest = folder / "008_active_org" / "migration.toml"
    limits = "[smoke]\ntimeout_ms = 100\ndeadline_ms = 300"
    manifest.write_text(manifest.read_text().replace("[smoke]", limits, 1))
    stop_application_on("committed")
    sabotage("NOTIFY committed")
    report = deploy()
    assert (report.outcome, report.exit_code) == (Outcome.NEEDS_DECISION, 40)
    assert report.rollback is None
    assert state_in_ledger(owner) == "verified"
    assert is_in_place(dump_schema())


def test_acceptance_failure_is_for_a_person_to_judge(
    deploy: Fly, owner: psycopg.Connection, ledger: None, dump_schema: Dump
) -> None:
    owner.execute(
        "CREATE FUNCTION pgflight.veto() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'the ledger is closed'; END $$"
    )
    owner.execute(
        "CREATE TRIGGER veto BEFORE UPDATE ON pgflight.run FOR EACH ROW"
        " WHEN (new.state = 'accepted') EXECUTE FUNCTION pgflight.veto()"
    )
    report = deploy()
    assert (report.outcome, report.exit_code) == (Outcome.NEEDS_DECISION, 40)
    assert state_in_ledger(owner) == "verified"
    assert is_in_place(dump_schema())


def test_failed_rollback_keeps_both_errors(
    deploy: Fly,
    sabotage: Sabotage,
    owner: psycopg.Connection,
    append: Edit,
    dump_schema: Dump,
) -> None:
    sabotage(SABOTAGES["index"])
    append("down.sql", "SELECT no_such_function();")
    report = deploy()
    assert (report.outcome, report.exit_code) == (Outcome.ROLLBACK_FAILED, 30)
    assert "idx_users_active_org" in report.errors[0]
    assert report.rollback is not None
    assert "no_such_function" in report.rollback.errors[0]
    assert state_in_ledger(owner) == "applied"
    assert is_in_place(dump_schema())


def test_rollback_has_the_budget_of_its_deployment(
    deploy: Fly, sabotage: Sabotage, append: Edit, owner: psycopg.Connection
) -> None:
    sabotage(SABOTAGES["index"])
    append("down.sql", "SELECT pg_sleep(2.5);")
    assert deploy(budget_ms=20_000).outcome is Outcome.ROLLED_BACK
    assert state_in_ledger(owner) == "rolled_back"


def test_irreversible_migration_cannot_be_rolled_back(
    deploy: Fly,
    sabotage: Sabotage,
    folder: Path,
    owner: psycopg.Connection,
    dump_schema: Dump,
) -> None:
    sabotage(SABOTAGES["index"])
    (folder / "008_active_org" / "down.sql").unlink()
    report = deploy()
    assert (report.outcome, report.exit_code) == (Outcome.ROLLBACK_FAILED, 30)
    assert report.rollback is not None
    assert "irreversible" in report.rollback.errors[0]
    assert state_in_ledger(owner) == "applied"
    assert is_in_place(dump_schema())


def test_accepted_migration_is_never_taken_back(
    deploy: Fly, owner: psycopg.Connection, dump_schema: Dump
) -> None:
    deploy()
    owner.execute(SABOTAGES["index"])
    report = deploy()
    assert (report.outcome, report.exit_code) == (Outcome.NEEDS_DECISION, 40)
    assert state_in_ledger(owner) == "accepted"
    assert is_in_place(dump_schema())
