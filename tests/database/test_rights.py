"""The application's rights on a real server: noted before, and checked after."""

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from flows.database.apply import apply
from flows.database.chosen import apply_as_chosen
from flows.database.verify import verify_privileges
from flows.demo.world import APPLICATION
from flows.migration.check import Check
from flows.migration.errors import ChecksFailed
from flows.migration.flight import Flight
from flows.migration.probe import Verdict
from tests.database.conftest import Bare, quiet
from tests.fix_flight import MakeFlight
from tests.fix_migrations import state_in_ledger

ROLE = {"PGFLIGHT_APPLICATION_ROLE": APPLICATION}

Run = Callable[[str], None]


@pytest.fixture
def notes(owner: psycopg.Connection) -> None:
    """A table that the application reads and fills, all of it column by column."""
    owner.execute("CREATE TABLE platform.notes (id int PRIMARY KEY, text text)")
    owner.execute(
        "GRANT SELECT (id, text), INSERT (id, text), UPDATE (text) ON platform.notes"
        f" TO {APPLICATION}"
    )
    owner.execute("CREATE VIEW platform.seen AS SELECT 1 AS a")
    owner.execute(f"GRANT SELECT ON platform.seen TO {APPLICATION}")
    owner.execute("CREATE FUNCTION platform.f(int) RETURNS int LANGUAGE sql RETURN $1")


def warnings(checks: list[Check]) -> list[str]:
    return [check.subject for check in checks if check.is_warning]


def problems(flight: Flight) -> list[str]:
    found = verify_privileges(flight)
    return [check.detail for check in found if check.verdict is Verdict.FAIL]


@pytest.mark.usefixtures("notes")
@pytest.mark.parametrize(
    ("up", "grant"),
    [
        (
            "ALTER TABLE platform.notes ADD COLUMN number serial;"
            " GRANT SELECT (number), INSERT (number) ON platform.notes TO platform_app",
            "GRANT USAGE ON SEQUENCE platform.notes_number_seq TO platform_app",
        ),
        (
            "CREATE SCHEMA audit; CREATE TABLE audit.log (a int);"
            " GRANT INSERT ON audit.log TO platform_app",
            "GRANT USAGE ON SCHEMA audit TO platform_app",
        ),
        (
            "REVOKE EXECUTE ON FUNCTION platform.f(int) FROM PUBLIC;"
            " CREATE FUNCTION platform.g(int) RETURNS int LANGUAGE sql RETURN $1;"
            " REVOKE ALL ON FUNCTION platform.g FROM PUBLIC",
            "GRANT EXECUTE ON FUNCTION platform.f(integer) TO platform_app;"
            "GRANT EXECUTE ON FUNCTION platform.g(integer) TO platform_app",
        ),
    ],
)
def test_lack_is_found_before_the_commit_and_its_grants_end_it(
    make_flight: MakeFlight, bare: Bare, up: str, grant: str
) -> None:
    bare(up)
    with pytest.raises(ChecksFailed) as failed:
        apply(make_flight(**ROLE), quiet)
    for each in grant.split(";"):
        assert each in failed.value.message
    bare(f"{up}; {grant}")
    flight = make_flight(**ROLE)
    assert warnings(apply(flight, quiet).checks) == problems(flight) == []


@pytest.mark.usefixtures("notes")
@pytest.mark.parametrize("strategy", ["transactional", "online"])
def test_new_column_that_it_may_not_read_is_taken_back(
    make_flight: MakeFlight, bare: Bare, owner: psycopg.Connection, strategy: str
) -> None:
    bare("ALTER TABLE platform.notes ADD COLUMN done bool")
    grant = r"GRANT SELECT \(done\), INSERT \(done\) ON platform.notes TO"
    with pytest.raises(ChecksFailed, match=grant):
        apply_as_chosen(make_flight(strategy=strategy, **ROLE), quiet)
    assert state_in_ledger(owner) in (None, "rolled_back")


@pytest.mark.usefixtures("notes")
def test_view_made_anew_is_held_against_what_the_ledger_has_noted(
    make_flight: MakeFlight, bare: Bare, owner: psycopg.Connection
) -> None:
    again = "DROP VIEW platform.seen; CREATE VIEW platform.seen AS SELECT 2 AS a"
    grant = f"GRANT SELECT ON platform.seen TO {APPLICATION}"
    bare(again)
    with pytest.raises(ChecksFailed, match=grant):
        apply(make_flight(**ROLE), quiet)
    bare(f"{again}; {grant}")
    apply(make_flight(**ROLE), quiet)
    owner.execute("REVOKE SELECT ON platform.seen FROM platform_app")
    (problem,) = problems(make_flight(**ROLE))
    assert grant in problem


def test_what_may_be_for_another_role_is_a_warning_each(
    make_flight: MakeFlight, bare: Bare
) -> None:
    bare(
        "CREATE TABLE platform.others (a int);"
        " CREATE SCHEMA audit; CREATE TABLE audit.log (a int);"
        " CREATE FUNCTION platform.g() RETURNS int LANGUAGE sql RETURN 1;"
        " REVOKE ALL ON FUNCTION platform.g FROM PUBLIC;"
        " GRANT EXECUTE ON FUNCTION platform.g TO pg_monitor"
    )
    flight = make_flight(**ROLE)
    found = warnings(apply(flight, quiet).checks)
    assert found == ["platform.others", "platform.g()", "audit"]
    assert problems(flight) == []


@pytest.mark.usefixtures("notes")
def test_what_is_meant_so_is_no_alarm(make_flight: MakeFlight, bare: Bare) -> None:
    bare(
        "REVOKE SELECT ON platform.seen FROM platform_app;"
        " REVOKE ALL ON FUNCTION platform.f FROM PUBLIC, platform_app;"
        " ALTER TABLE platform.notes RENAME TO remarks;"
        " CREATE FUNCTION platform.t() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN RETURN NEW; END'; REVOKE ALL ON FUNCTION platform.t FROM PUBLIC"
    )
    assert warnings(apply(make_flight(**ROLE), quiet).checks) == []


def test_function_for_others_is_told_by_migration_toml(
    make_flight: MakeFlight, bare: Bare, folder: Path
) -> None:
    bare(
        "CREATE FUNCTION platform.g() RETURNS int LANGUAGE sql RETURN 1;"
        " REVOKE ALL ON FUNCTION platform.g FROM PUBLIC"
    )
    manifest = folder / "008_active_org" / "migration.toml"
    declared = '[[functions]]\nsignature = "platform.g()"\nexecute = []\n'
    manifest.write_text(f"{manifest.read_text()}\n{declared}")
    assert warnings(apply(make_flight(**ROLE), quiet).checks) == []


def test_shipped_migration_raises_no_alarm_with_it(make_flight: MakeFlight) -> None:
    flight = make_flight(**ROLE)
    checks = apply(flight, quiet).checks
    found = [check.subject for check in checks if check.kind == "privilege"]
    assert "platform.users" in found
    assert "platform.get_user_active_org(uuid)" in found
    assert warnings(checks) == []


def test_nothing_is_checked_where_no_role_is_told(make_flight: MakeFlight) -> None:
    flight = make_flight()
    kinds = {check.kind for check in apply(flight, quiet).checks}
    assert "privilege" not in kinds
    assert verify_privileges(flight) == []


@pytest.mark.usefixtures("notes")
def test_role_told_later_is_held_against_what_is_beside_the_new(
    make_flight: MakeFlight, bare: Bare
) -> None:
    bare("ALTER TABLE platform.notes ADD COLUMN done bool")
    apply(make_flight(), quiet)
    (problem,) = problems(make_flight(**ROLE))
    assert "GRANT SELECT (done), INSERT (done) ON platform.notes" in problem


def test_role_that_is_gone_is_left_to_a_person(make_flight: MakeFlight) -> None:
    apply(make_flight(), quiet)
    (check,) = verify_privileges(make_flight(PGFLIGHT_APPLICATION_ROLE="gone"))
    assert check.verdict is Verdict.INCONCLUSIVE
