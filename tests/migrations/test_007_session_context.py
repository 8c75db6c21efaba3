"""Migration 007: on hold, complete, and independent of 008."""

from uuid import UUID

import psycopg
import pytest
from psycopg import errors

from flows.demo.world import World
from flows.migration.manifest import read_manifest
from flows.resources import SQL
from tests.fix_migrations import Dump, Run

UP = "007_session_context/up.sql"
DOWN = "007_session_context/down.sql"
VERIFY = "007_session_context/verify.sql"

ORGANIZATIONS = "SELECT id FROM platform.organizations"
MEMBERS = "SELECT DISTINCT org_id FROM platform.org_members"


def visible(app: psycopg.Connection, query: str) -> list[UUID]:
    return [row[0] for row in app.execute(query.encode())]


def enter(app: psycopg.Connection, org_id: UUID) -> None:
    app.execute("SELECT set_config('platform.org_id', %s, false)", [str(org_id)])


def test_manifest_holds_with_a_reason():
    hold = read_manifest(SQL / "migrations/007_session_context/migration.toml").hold
    assert hold is not None
    assert "middleware is not deployed yet" in hold.reason


@pytest.mark.parametrize("query", [ORGANIZATIONS, MEMBERS])
def test_session_sees_its_organization_only(app, run: Run, world: World, query):
    run(UP)
    enter(app, world.smoke.org_id)
    assert visible(app, query) == [world.smoke.org_id]


@pytest.mark.parametrize("query", [ORGANIZATIONS, MEMBERS])
def test_session_without_organization_sees_nothing(app, run: Run, query):
    run(UP)
    assert visible(app, query) == []


def test_session_cannot_write_elsewhere(app, run: Run, world: World):
    run(UP)
    enter(app, world.smoke.org_id)
    with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
        app.execute(
            "INSERT INTO platform.org_members (user_id, org_id) VALUES (%s, %s)",
            [world.smoke.user_id, world.smoke.other_org_id],
        )


def test_owner_sees_everything(owner, run: Run):
    run(UP)
    assert len(visible(owner, ORGANIZATIONS)) == 25


def test_down_is_the_exact_inverse(run: Run, dump_schema: Dump):
    before = dump_schema()
    run(UP)
    assert dump_schema() != before
    run(DOWN)
    assert dump_schema() == before


def test_second_up_changes_no_schema(run: Run, dump_schema: Dump):
    run(UP)
    before = dump_schema()
    run(UP)
    assert dump_schema() == before


def test_verify_passes(run: Run, run_as_admin: Run):
    run(UP)
    run(VERIFY)
    run_as_admin(VERIFY)


@pytest.mark.parametrize(
    ("sabotage", "complaint"),
    [
        (
            "ALTER TABLE platform.org_members DISABLE ROW LEVEL SECURITY",
            "row level security is off",
        ),
        (
            "ALTER POLICY org_members_of_session ON platform.org_members USING (true)",
            "sees members of other organizations",
        ),
        (
            "ALTER POLICY organizations_of_session ON platform.organizations"
            " USING (platform.current_org_id() IS NOT NULL)",
            "sees organizations of other sessions",
        ),
    ],
)
def test_verify_notices(owner, run: Run, run_as_admin: Run, sabotage, complaint):
    run(UP)
    owner.execute(sabotage)
    with pytest.raises(errors.RaiseException, match=complaint):
        run_as_admin(VERIFY)


def test_007_after_008_keeps_both_verified(run: Run, run_as_admin: Run):
    """The hold can be lifted later: neither migration needs the other."""
    run("008_active_org/up.sql")
    run(UP)
    for verify in (VERIFY, "008_active_org/verify.sql"):
        run_as_admin(verify)


def test_008_functions_work_for_a_session_without_organization(
    app, run: Run, world: World
):
    run("008_active_org/up.sql")
    run(UP)
    smoke = world.smoke
    app.execute(
        "SELECT platform.set_user_active_org(%s, %s)", [smoke.user_id, smoke.org_id]
    )
    query = "SELECT platform.get_user_active_org(%s)"
    assert app.execute(query, [smoke.user_id]).fetchone() == (smoke.org_id,)


def test_008_down_leaves_007_alone(run: Run, dump_schema: Dump):
    run(UP)
    before = dump_schema()
    run("008_active_org/up.sql")
    run("008_active_org/down.sql")
    assert dump_schema() == before
