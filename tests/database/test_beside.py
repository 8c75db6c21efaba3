"""Other people's DDL beside a deployment or a rollback: it is theirs, and stays."""

import psycopg
import pytest

from flows.database import keeping
from flows.database.apply import apply
from flows.database.chosen import apply_as_chosen
from flows.database.revert import prove_reverted, revert
from flows.database.saving import lock_table
from flows.database.verify import record_verified
from flows.migration.errors import ApplyFailed, RollbackFailed
from tests.database.conftest import Bare, quiet
from tests.fix_flight import MakeFlight

UP = "CREATE TABLE platform.mine (id int)"
DOWN = "DROP TABLE platform.mine"
THEIRS = "CREATE TABLE platform.events_2026_12 (id int PRIMARY KEY)"
GRANT = "GRANT SELECT ON platform.org_members TO pg_monitor"


@pytest.mark.parametrize("ddl", [THEIRS, GRANT])
def test_made_before_the_catalogue_was_kept(
    make_flight: MakeFlight, bare: Bare, owner: psycopg.Connection, ddl: str
):
    """A process that died right after its COMMIT; recovered hours later."""
    bare(UP, DOWN)
    flight = make_flight()
    apply(flight, quiet)
    owner.execute(ddl.encode())
    record_verified(flight, "recovered")
    reverted = revert(make_flight(), "test", quiet).result
    assert any("events_2026_12" in o or "org_members" in o for o in reverted.of_others)
    prove_reverted(flight, reverted.catalogue)


def test_made_beside_the_rollback(
    make_flight: MakeFlight,
    bare: Bare,
    owner: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
):
    """A partition manager's, say: committed when the rollback has its locks."""
    bare(UP, DOWN)
    apply_as_chosen(make_flight(), quiet)
    owner.execute("INSERT INTO platform.mine VALUES (1)")

    def meanwhile(*given: object) -> None:
        lock_table(*given)  # type: ignore[arg-type]
        owner.execute(THEIRS)

    monkeypatch.setattr(keeping, "lock_table", meanwhile)
    others = revert(make_flight(), "test", quiet).result.of_others
    assert "relation platform.events_2026_12" in others


def test_what_the_migration_made_is_still_its_own(
    make_flight: MakeFlight, bare: Bare, owner: psycopg.Connection
):
    bare(f"{UP}; CREATE TABLE platform.second (id serial PRIMARY KEY)", DOWN)
    flight = make_flight()
    apply(flight, quiet)
    owner.execute(THEIRS)
    record_verified(flight, "recovered")
    with pytest.raises(RollbackFailed) as failed:
        revert(make_flight(), "test", quiet)
    assert "relation platform.second_id_seq is still there" in str(failed.value)
    assert "events_2026_12" not in str(failed.value)


def test_catalogue_is_kept_right_behind_the_commit(
    make_flight: MakeFlight, owner: psycopg.Connection
):
    flight = make_flight()
    apply_as_chosen(flight, quiet)
    owner.execute(THEIRS)
    record_verified(flight, "test")
    kept = owner.execute(
        "SELECT fingerprint_after ? 'column platform.users.active_org_id',"
        " fingerprint_after ? 'relation platform.events_2026_12', felt IS NOT NULL"
        " FROM pgflight.run"
    ).fetchone()
    assert kept == (True, False, True)


def test_everything_is_published(
    make_flight: MakeFlight, admin: psycopg.Connection, owner: psycopg.Connection
):
    """What a rollback has copied it deletes again, where a row has changed since."""
    admin.execute("CREATE PUBLICATION feed FOR ALL TABLES")
    apply_as_chosen(make_flight(), quiet)
    (saved,) = revert(make_flight(), "test", quiet).result.saved
    assert saved.rows == 450
    apply_as_chosen(make_flight(), quiet)
    owner.execute("DELETE FROM pgflight.saved_row")


LATE = """CREATE TABLE platform.late (id int);
    CREATE FUNCTION platform.complain() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN {}; RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER late AFTER INSERT ON platform.late
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION platform.complain()"""
INSERT = "DROP TABLE platform.mine; INSERT INTO platform.late VALUES (1)"


def test_deferred_trigger_refuses_before_the_commit(
    make_flight: MakeFlight, bare: Bare, owner: psycopg.Connection
):
    owner.execute(LATE.format("RAISE EXCEPTION 'not today'").encode())
    bare(UP, INSERT)
    apply_as_chosen(make_flight(), quiet)
    with pytest.raises(ApplyFailed, match="The COMMIT would fail: not today"):
        revert(make_flight(), "test", quiet)


def test_deferred_trigger_that_warns_is_no_standby(
    make_flight: MakeFlight, bare: Bare, owner: psycopg.Connection
):
    owner.execute(LATE.format("RAISE WARNING 'mind'").encode())
    bare(UP, INSERT)
    apply_as_chosen(make_flight(), quiet)
    assert revert(make_flight(), "test", quiet).is_replicated
