"""The online plan of a whole script."""

from pathlib import Path

import pytest

from flows.migration.online.refused import NotOnline
from flows.migration.online.rewrite import plan_online
from flows.migration.script import read_script
from flows.resources import SQL
from tests.migration.online.conftest import Plan, Refusal

UP_008 = SQL / "migrations" / "008_active_org" / "up.sql"


def test_008_goes_in_these_steps() -> None:
    assert [(step.kind, step.summary) for step in plan_online(read_script(UP_008))] == [
        ("brief", "ALTER TABLE platform.users ADD COLUMN active_org_id"),
        ("backfill", "UPDATE platform.users"),
        ("index", "CREATE INDEX idx_users_active_org ON platform.users"),
        (
            "brief",
            "ALTER TABLE platform.users DROP CONSTRAINT users_active_org_id_fkey, ADD"
            " CONSTR…",
        ),
        (
            "validate",
            "ALTER TABLE platform.users VALIDATE CONSTRAINT users_active_org_id_fkey",
        ),
        (
            "brief",
            "CREATE FUNCTION platform.set_user_active_org(uuid, uuid) and 5 more",
        ),
        ("brief", "COMMENT ON COLUMN platform.users.active_org_id"),
        (
            "brief",
            "COMMENT ON FUNCTION platform.set_user_active_org(uuid, uuid) and 1 more",
        ),
    ]


def test_008_can_be_taken_back_where_it_made_everything() -> None:
    assert all(step.is_undoable for step in plan_online(read_script(UP_008)))


def test_008_in_the_usual_order_fills_before_it_refers(plan: Plan) -> None:
    usual = Path(__file__).parents[2] / "benchmarks" / "usual_order.sql"
    kinds = [step.kind for step in plan_online(read_script(usual))]
    assert kinds[:5] == ["brief", "backfill", "brief", "validate", "index"]


@pytest.mark.parametrize(
    ("action", "kinds"),
    [
        ("ON DELETE SET NULL", ["brief", "backfill", "brief", "validate"]),
        ("ON DELETE SET NULL ON UPDATE CASCADE", ["brief", "backfill"]),
        ("ON DELETE CASCADE", ["brief", "backfill"]),
        ("", ["brief", "backfill"]),
    ],
)
def test_key_whose_action_cannot_be_made_good_for_comes_first(
    plan: Plan, action: str, kinds: list[str]
) -> None:
    column = f"ALTER TABLE t ADD COLUMN c int REFERENCES p (id) {action}"
    steps = plan(f"{column}; UPDATE t SET c = 1 WHERE c IS NULL")
    assert [step.kind for step in steps] == kinds


def test_key_to_unnamed_columns_comes_first(plan: Plan) -> None:
    column = "ALTER TABLE t ADD COLUMN c int REFERENCES p ON DELETE SET NULL"
    steps = plan(f"{column}; UPDATE t SET c = 1 WHERE c IS NULL")
    assert [step.kind for step in steps] == ["brief", "backfill"]


def test_order_is_kept_otherwise(plan: Plan) -> None:
    sql = (
        "ALTER TABLE b ADD COLUMN c int; ALTER TABLE a ADD COLUMN c int;"
        "CREATE INDEX i ON b (c); UPDATE a SET c = 1 WHERE c IS NULL; DROP TABLE z"
    )
    assert [step.where.rpartition(":")[2] for step in plan(sql)] == [
        *("1", "33", "64", "89", "125")
    ]


def test_steps_are_numbered(plan: Plan) -> None:
    steps = plan("ALTER TABLE a ADD COLUMN c int; ALTER TABLE b ADD COLUMN c int")
    assert [step.number for step in steps] == [1, 2]


def test_neighbours_that_nobody_notices_share_a_step(plan: Plan) -> None:
    sql = "CREATE TABLE t (c int); CREATE INDEX i ON t (c); ALTER TABLE t ADD b int"
    (step,) = plan(sql)
    assert step.summary == "CREATE TABLE t and 2 more"
    assert [made.name for made in step.makes] == ["t", "i", "t.b"]


def test_step_of_its_own_keeps_its_summary(plan: Plan) -> None:
    assert plan("CREATE TABLE t ()")[0].summary == "CREATE TABLE t"


def test_only_brief_steps_are_joined(plan: Plan) -> None:
    steps = plan("CREATE TABLE t (c int); UPDATE t SET c = 1 WHERE c IS NULL")
    assert [step.kind for step in steps] == ["brief", "backfill"]


def test_joined_steps_count_on_what_each_does(plan: Plan) -> None:
    view = "CREATE OR REPLACE VIEW {} AS SELECT 1"
    (step,) = plan(f"{view.format('v')}; {view.format('w')}")
    assert step.owns == ("v", "w")


def test_change_of_what_was_there_stands_alone(plan: Plan) -> None:
    assert len(plan("CREATE TABLE t (); GRANT a TO b; CREATE TABLE u ()")) == 3


def test_lock_on_a_table_in_use_stands_alone(plan: Plan) -> None:
    assert len(plan("ALTER TABLE t ADD a int; ALTER TABLE t ADD b int")) == 2


def test_table_made_later_is_in_use_before(plan: Plan) -> None:
    assert len(plan("ALTER TABLE IF EXISTS t ADD a int; CREATE TABLE t ()")) == 2


def test_thing_made_twice_is_refused(refusal: Refusal) -> None:
    assert "t is made twice" in refusal("CREATE TABLE t (); CREATE TABLE t ()")


def test_all_obstacles_are_told_at_once(plan: Plan) -> None:
    with pytest.raises(NotOnline) as caught:
        plan("TRUNCATE t; DELETE FROM t; GRANT a TO b")
    assert len(caught.value.obstacles) == 2
