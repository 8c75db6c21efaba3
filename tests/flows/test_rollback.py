"""The flow rollback-migration: by hand, and where Prefect does not run it."""

from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from prefect import flow
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.demo.loopback import HOST
from flows.migration.outcome import Outcome
from flows.migration.report import Report
from tests.fix_migrations import Dump, state_in_ledger
from tests.fix_prefect import Fly
from tests.fix_relay import relay_to


def test_rollback_restores_the_schema_to_the_byte(
    deploy: Fly, roll_back: Fly, ledger: None, dump_schema: Dump
) -> None:
    before = dump_schema()
    deploy()
    assert dump_schema() != before
    report = roll_back()
    assert (report.outcome, report.exit_code) == (Outcome.ROLLED_BACK, 0)
    assert dump_schema() == before


def test_rollback_saves_what_users_chose_since(
    deploy: Fly, roll_back: Fly, owner: psycopg.Connection
) -> None:
    deploy()
    chosen = owner.execute(
        "UPDATE platform.users SET active_org_id = (SELECT id FROM"
        " platform.organizations LIMIT 1) WHERE active_org_id IS NULL"
        " RETURNING id::text, active_org_id::text"
    ).fetchall()
    roll_back()
    saved = owner.execute(
        "SELECT key_texts[1], value_texts[1] FROM pgflight.saved_row"
    ).fetchall()
    assert set(chosen) <= set(saved)
    assert len(saved) == 500


def test_rollback_of_what_is_not_there_is_blocked(
    roll_back: Fly, owner: psycopg.Connection, dump_schema: Dump
) -> None:
    before = dump_schema()
    report = roll_back()
    assert (report.outcome, report.exit_code) == (Outcome.BLOCKED, 10)
    assert "not in place" in report.errors[0]
    assert state_in_ledger(owner) is None
    assert dump_schema() == before


def test_deploy_after_rollback_works(deploy: Fly, roll_back: Fly) -> None:
    deploy()
    roll_back()
    assert deploy().outcome is Outcome.DEPLOYED


def test_dependent_view_stops_the_rollback(
    deploy: Fly, roll_back: Fly, owner: psycopg.Connection, dump_schema: Dump
) -> None:
    deploy()
    owner.execute(
        "CREATE VIEW platform.active AS SELECT id, active_org_id FROM platform.users"
    )
    before = dump_schema()
    report = roll_back()
    assert (report.outcome, report.exit_code) == (Outcome.NEEDS_DECISION, 40)
    assert "platform.active" in report.errors[0]
    assert state_in_ledger(owner) == "accepted"
    assert dump_schema() == before


def test_hold_does_not_stop_a_rollback(
    deploy: Fly, roll_back: Fly, folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy()
    manifest = folder / "008_active_org" / "migration.toml"
    text = manifest.read_text()
    manifest.write_text(f'hold = {{ reason = "oh", owner = "me" }}\n{text}')
    assert roll_back().outcome is Outcome.ROLLED_BACK


def test_another_migration_of_the_same_number_takes_nothing_back(
    deploy: Fly, roll_back: Fly, folder: Path, owner: psycopg.Connection
) -> None:
    """Another branch's checkout: its down.sql would delete what is somebody else's."""
    deploy()
    here = folder / "008_active_org"
    (here / "down.sql").write_text("DELETE FROM platform.org_members")
    here.rename(folder / "008_another_branch")
    report = roll_back()
    assert (report.outcome, report.exit_code) == (Outcome.BLOCKED, 10)
    assert "another migration than 008_active_org" in report.errors[0]
    assert state_in_ledger(owner) == "accepted"
    kept = owner.execute("SELECT count(*) > 0 FROM platform.org_members").fetchone()
    assert kept == (True,)


def test_changed_up_is_not_what_is_rolled_back(
    deploy: Fly, roll_back: Fly, folder: Path, owner: psycopg.Connection
) -> None:
    deploy()
    up = folder / "008_active_org" / "up.sql"
    up.write_text(f"{up.read_text()}\nSELECT 1;\n")
    report = roll_back()
    assert (report.outcome, report.exit_code) == (Outcome.BLOCKED, 10)
    assert "was changed since it was applied" in report.errors[0]
    assert state_in_ledger(owner) == "accepted"


def test_corrected_down_is_run(deploy: Fly, roll_back: Fly, folder: Path) -> None:
    deploy()
    down = folder / "008_active_org" / "down.sql"
    down.write_text(f"{down.read_text()}\nSELECT 1;\n")
    assert roll_back().outcome is Outcome.ROLLED_BACK


def test_schema_that_somebody_else_changed_meanwhile_is_reported(
    deploy: Fly, roll_back: Fly, ledger: None, owner: psycopg.Connection
) -> None:
    """Changed by the COMMIT's own triggers: after the proof inside the transaction."""
    deploy()
    owner.execute(
        "CREATE FUNCTION pgflight.more() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN CREATE TABLE platform.more (); RETURN NULL; END $$;"
        "CREATE CONSTRAINT TRIGGER more AFTER UPDATE ON pgflight.run"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
        " WHEN (NEW.state = 'rolled_back') EXECUTE FUNCTION pgflight.more()"
    )
    report = roll_back()
    assert (report.outcome, report.exit_code) == (Outcome.ROLLED_BACK, 0)
    assert "is rolled back" in report.errors[0]
    assert "relation platform.more is still there" in report.errors[0]
    assert state_in_ledger(owner) == "rolled_back"


def test_rollback_that_cannot_probe_is_a_rollback(
    deploy: Fly,
    roll_back: Fly,
    owner: psycopg.Connection,
    ledger: None,
    dump_schema: Dump,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever fails after its COMMIT, the report says what the database holds."""
    before = dump_schema()
    deploy()
    monkeypatch.delenv("PGFLIGHT_ENDPOINT")
    report = roll_back()
    assert (report.outcome, report.exit_code) == (Outcome.ROLLED_BACK, 0)
    assert "PGFLIGHT_ENDPOINT" in report.errors[0]
    assert state_in_ledger(owner) == "rolled_back"
    assert dump_schema() == before


@pytest.fixture
def failed() -> Report:
    """Of a deployment that is to be taken back."""
    return Report(
        action="deploy", version="008", run_id="", budget_ms=2_000, errors=["bad"]
    )


def test_rollback_happens_while_prefect_is_away(
    deploy: Fly, owner: psycopg.Connection, folder: Path, failed: Report
) -> None:
    from flows.rollback import roll_back as take_back

    deploy()
    taken: list[Report] = []
    port = urlsplit(str(PREFECT_API_URL.value())).port
    assert port

    with relay_to(port) as relay:

        @flow(name="test", persist_result=False)
        def body() -> None:
            relay.close()
            try:
                taken.append(take_back(failed, str(folder)))
            finally:
                relay.mend()

        url = f"http://{HOST}:{relay.port}/api"
        with temporary_settings({PREFECT_API_URL: url}):
            body()
    assert taken[0].outcome is Outcome.ROLLED_BACK
    assert state_in_ledger(owner) == "rolled_back"


def test_rollback_happens_whatever_prefect_says(
    deploy: Fly, owner: psycopg.Connection, folder: Path, failed: Report
) -> None:
    """Here, that a Path is no str."""
    from flows.rollback import roll_back as take_back

    deploy()
    taken: list[Report] = []

    @flow(name="test", persist_result=False)
    def body() -> None:
        taken.append(take_back(failed, folder))  # type: ignore[arg-type]

    body()
    assert taken[0].outcome is Outcome.ROLLED_BACK
    assert state_in_ledger(owner) == "rolled_back"


def test_rollback_that_is_done_already_is_no_failure(
    deploy: Fly, roll_back: Fly, folder: Path, failed: Report
) -> None:
    """Its subflow may get to its COMMIT and be lost before it can say so."""
    from flows.rollback import roll_back_without_prefect

    deploy()
    roll_back()
    report = roll_back_without_prefect(failed, str(folder))
    assert report.outcome is Outcome.ROLLED_BACK


def test_long_reason_is_cut_for_the_subflow(
    deploy: Fly, owner: psycopg.Connection, folder: Path
) -> None:
    """What Prefect refuses as a parameter would be done without it, and its page."""
    from flows.rollback import roll_back as roll_back_failed

    deploy()
    failed = Report(
        action="deploy", version="008", run_id=str(uuid4()), budget_ms=2_000
    )
    failed.errors.append("x" * 1_500)
    assert roll_back_failed(failed, str(folder)).outcome is Outcome.ROLLED_BACK
    (length,) = owner.execute(
        "SELECT length(detail) FROM pgflight.event WHERE kind = 'condemned'"
    )
    assert length == (1_000,)
