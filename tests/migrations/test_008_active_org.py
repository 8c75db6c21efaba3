"""Migration 008: what it fills, what its functions do, and how it goes back."""

from uuid import UUID

import psycopg
import pytest
from psycopg import errors

from flows.demo.world import World
from flows.migration.manifest import read_manifest
from flows.resources import SQL
from tests.fix_migrations import Dump, Run

UP = "008_active_org/up.sql"
DOWN = "008_active_org/down.sql"
VERIFY = "008_active_org/verify.sql"
NOWHERE = UUID("00000000-0000-4000-8000-000000000000")

COUNT_NOT_JOINED_FIRST = """
    SELECT count(*)
    FROM platform.users AS u
    WHERE active_org_id IS DISTINCT FROM (
        SELECT org_id FROM platform.org_members
        WHERE user_id = u.id ORDER BY joined_at, org_id LIMIT 1
    )
"""
ROW_VERSIONS = "SELECT id, xmin::text, ctid::text FROM platform.users ORDER BY id"
CHOOSE = "SELECT platform.set_user_active_org(%s, %s)"
CHOSEN = "SELECT platform.get_user_active_org(%s)"


def value(connection: psycopg.Connection, query: str, *values: object) -> object:
    row = connection.execute(query.encode(), values).fetchone()
    assert row is not None
    return row[0]


def test_backfill_takes_organization_joined_first(owner, run: Run):
    run(UP)
    assert value(owner, COUNT_NOT_JOINED_FIRST) == 0


def test_backfill_leaves_lonely_users_null(owner, run: Run):
    run(UP)
    query = "SELECT count(*) FROM platform.users WHERE active_org_id IS NULL"
    assert value(owner, query) == 50


def test_backfill_decides_a_tie_by_id(owner, run: Run):
    owner.execute("UPDATE platform.org_members SET joined_at = now()")
    run(UP)
    assert value(owner, COUNT_NOT_JOINED_FIRST) == 0


def test_second_up_changes_no_row(owner, run: Run):
    run(UP)
    before = owner.execute(ROW_VERSIONS).fetchall()
    run(UP)
    assert owner.execute(ROW_VERSIONS).fetchall() == before


def test_second_up_changes_no_schema(run: Run, dump_schema: Dump):
    run(UP)
    before = dump_schema()
    run(UP)
    assert dump_schema() == before


def test_second_up_keeps_the_users_choice(owner, run: Run, world: World):
    run(UP)
    owner.execute(CHOOSE, [world.smoke.user_id, world.smoke.org_id])
    run(UP)
    assert value(owner, CHOSEN, world.smoke.user_id) == world.smoke.org_id


def test_down_is_the_exact_inverse(run: Run, dump_schema: Dump):
    before = dump_schema()
    run(UP)
    assert dump_schema() != before
    run(DOWN)
    assert dump_schema() == before


def test_down_without_up_does_nothing(run: Run, dump_schema: Dump):
    before = dump_schema()
    run(DOWN)
    assert dump_schema() == before


def test_down_drops_nothing_of_others(owner, run: Run):
    run(UP)
    owner.execute("CREATE VIEW platform.v AS SELECT active_org_id FROM platform.users")
    with pytest.raises(errors.DependentObjectsStillExist):
        run(DOWN)


def test_up_after_down_fills_again(owner, run: Run):
    run(UP)
    run(DOWN)
    run(UP)
    assert value(owner, COUNT_NOT_JOINED_FIRST) == 0


def test_member_may_choose(app, run: Run, world: World):
    run(UP)
    chosen = value(app, CHOOSE, world.smoke.user_id, world.smoke.org_id)
    assert chosen == world.smoke.org_id
    assert value(app, CHOSEN, world.smoke.user_id) == world.smoke.org_id


def test_unknown_user_is_refused(app, run: Run, world: World):
    run(UP)
    with pytest.raises(psycopg.Error, match="unknown user") as refusal:
        app.execute(CHOOSE, [NOWHERE, world.smoke.org_id])
    assert refusal.value.sqlstate == "UO001"


def test_unknown_organization_is_refused(app, run: Run, world: World):
    run(UP)
    with pytest.raises(psycopg.Error, match="unknown organization") as refusal:
        app.execute(CHOOSE, [world.smoke.user_id, NOWHERE])
    assert refusal.value.sqlstate == "UO002"


def test_non_member_is_refused(app, run: Run, world: World):
    run(UP)
    with pytest.raises(psycopg.Error, match="not a member") as refusal:
        app.execute(CHOOSE, [world.smoke.user_id, world.smoke.other_org_id])
    assert refusal.value.sqlstate == "UO003"


@pytest.mark.parametrize(
    ("user_is_null", "sqlstate"), [(True, "UO001"), (False, "UO002")]
)
def test_null_is_refused(app, run: Run, world: World, user_is_null, sqlstate):
    run(UP)
    with pytest.raises(psycopg.Error) as refusal:
        app.execute(CHOOSE, [None if user_is_null else world.smoke.user_id, None])
    assert refusal.value.sqlstate == sqlstate


def test_refusal_keeps_the_users_choice(app, run: Run, world: World):
    run(UP)
    app.execute(CHOOSE, [world.smoke.user_id, world.smoke.org_id])
    with pytest.raises(psycopg.Error):
        app.execute(CHOOSE, [world.smoke.user_id, world.smoke.other_org_id])
    assert value(app, CHOSEN, world.smoke.user_id) == world.smoke.org_id


def test_organization_left_is_not_answered(app, run: Run, world: World):
    run(UP)
    app.execute(CHOOSE, [world.smoke.user_id, world.smoke.org_id])
    app.execute(
        "DELETE FROM platform.org_members WHERE org_id = %s", [world.smoke.org_id]
    )
    assert value(app, CHOSEN, world.smoke.user_id) is None


def test_unknown_user_has_no_organization(app, run: Run):
    run(UP)
    assert value(app, CHOSEN, NOWHERE) is None


def test_deleted_organization_becomes_null(owner, run: Run, world: World):
    run(UP)
    owner.execute(CHOOSE, [world.smoke.user_id, world.smoke.org_id])
    owner.execute(
        "DELETE FROM platform.organizations WHERE id = %s", [world.smoke.org_id]
    )
    query = "SELECT active_org_id FROM platform.users WHERE id = %s"
    assert value(owner, query, world.smoke.user_id) is None


def test_index_serves_the_foreign_key(owner, run: Run):
    """The query that ON DELETE SET NULL runs, with the plan that it keeps."""
    run(UP)
    owner.execute("SET plan_cache_mode = force_generic_plan")
    owner.execute(
        "PREPARE q (uuid) AS UPDATE platform.users SET active_org_id = NULL"
        " WHERE $1 = active_org_id"
    )
    plan = owner.execute("EXPLAIN EXECUTE q (gen_random_uuid())").fetchall()
    assert "idx_users_active_org" in str(plan)


def test_application_cannot_write_the_column(app, run: Run):
    run(UP)
    with pytest.raises(errors.InsufficientPrivilege):
        app.execute("UPDATE platform.users SET active_org_id = NULL")


@pytest.mark.parametrize(
    "function", ["set_user_active_org(uuid, uuid)", "get_user_active_org(uuid)"]
)
def test_public_cannot_execute(owner, run: Run, function):
    run(UP)
    query = "SELECT has_function_privilege('public', 'platform.' || %s, 'EXECUTE')"
    assert value(owner, query, function) is False


def test_functions_pin_their_search_path(owner, run: Run):
    run(UP)
    rows = owner.execute(
        "SELECT prosecdef, proconfig, provolatile FROM pg_proc"
        " WHERE proname LIKE '%user_active_org' ORDER BY proname"
    ).fetchall()
    path = ["search_path=pg_catalog, pg_temp"]
    assert rows == [(True, path, "s"), (True, path, "v")]


def test_verify_passes(run: Run):
    run(UP)
    run(VERIFY)


def test_verify_passes_as_the_application_role(run: Run, run_as_admin: Run):
    """A superuser may become platform_app, so that part of verify.sql runs too."""
    run(UP)
    run_as_admin(VERIFY)


@pytest.mark.parametrize(
    ("sabotage", "complaint"),
    [
        (
            "GRANT EXECUTE ON FUNCTION platform.get_user_active_org(uuid) TO PUBLIC",
            "PUBLIC may execute",
        ),
        (
            "REVOKE EXECUTE ON FUNCTION platform.set_user_active_org(uuid, uuid)"
            " FROM platform_app",
            "platform_app may not execute",
        ),
        (
            "CREATE OR REPLACE FUNCTION platform.get_user_active_org(p_user_id uuid)"
            " RETURNS uuid LANGUAGE sql SECURITY DEFINER AS 'SELECT active_org_id"
            " FROM platform.users WHERE id = p_user_id'",
            "the user left",
        ),
    ],
)
def test_verify_notices(owner, run: Run, sabotage, complaint):
    run(UP)
    owner.execute(sabotage)
    with pytest.raises(errors.RaiseException, match=complaint):
        run(VERIFY)


def test_verify_notices_functions_without_definer_rights(
    owner, run: Run, run_as_admin: Run
):
    run(UP)
    owner.execute(
        "ALTER FUNCTION platform.set_user_active_org(uuid, uuid) SECURITY INVOKER"
    )
    with pytest.raises(errors.InsufficientPrivilege):
        run_as_admin(VERIFY)


def test_broken_function_fails_verify(run: Run):
    run(UP)
    run("../demo/break/functions.sql")
    with pytest.raises(errors.RaiseException, match="accepts a user who is not"):
        run(VERIFY)


def test_broken_backfill_misses_users(owner, run: Run):
    run(UP)
    run("../demo/break/backfill.sql")
    missed = (
        "SELECT count(DISTINCT u.id) FROM platform.users AS u JOIN"
        " platform.org_members AS m ON m.user_id = u.id WHERE active_org_id IS NULL"
    )
    assert value(owner, missed) != 0


def test_broken_backfill_gives_organizations_of_others(owner, run: Run):
    run(UP)
    run("../demo/break/backfill.sql")
    wrong = (
        "SELECT count(*) FROM platform.users AS u WHERE active_org_id <> ALL"
        " (SELECT org_id FROM platform.org_members WHERE user_id = u.id)"
    )
    assert value(owner, wrong) != 0


def test_manifest_backfill_names_each_member(owner, run: Run):
    run(UP)
    backfill = read_manifest(SQL / "migrations/008_active_org/migration.toml").backfill
    assert backfill is not None
    owner.execute(b"CREATE TEMP VIEW valid (key, value) AS " + backfill.valid.encode())
    outside = (
        "SELECT count(*) FROM platform.users WHERE active_org_id IS NOT NULL AND"
        " (id, active_org_id) NOT IN (SELECT key, value FROM valid)"
    )
    assert value(owner, outside) == 0
