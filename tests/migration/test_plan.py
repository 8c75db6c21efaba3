"""The plan of a migration, from its text alone."""

from pathlib import Path

import pytest

from flows.migration.folder import Migration, load_migration
from flows.migration.plan import Plan, plan_of
from flows.migration.strategy import Wish, choose
from flows.resources import SQL

UP = """-- of the order
CREATE INDEX i ON p.t (a);
ALTER TABLE p.t ADD b int REFERENCES p.o;
"""


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    (tmp_path / "3_a_name.up.sql").write_text(UP)
    return planned(load_migration(tmp_path, "3"))


def planned(migration: Migration, wish: Wish = "auto") -> Plan:
    """As it is planned where no database is asked."""
    choice = choose(wish, migration.up, 2_000, None)
    return plan_of(migration, choice, 2_000, None)


def test_plan_says_what_and_how(plan: Plan) -> None:
    assert (plan.version, plan.title) == ("3", "a name")
    assert (plan.strategy, plan.budget_ms) == ("transactional", 2_000)
    assert plan.expected_ms is None


def test_steps_are_the_statements_in_order(plan: Plan) -> None:
    steps = [(step.number, step.summary) for step in plan.steps]
    assert steps == [
        (1, "CREATE INDEX i ON p.t"),
        (2, "ALTER TABLE p.t ADD COLUMN b"),
    ]
    assert plan.steps[0].where.endswith("3_a_name.up.sql:2:1")
    assert plan.steps[0].statements == ["CREATE INDEX i ON p.t (a)"]


def test_step_says_what_its_locks_block(plan: Plan) -> None:
    (lock,) = plan.steps[0].locks
    assert (lock.table, lock.mode, lock.blocks) == ("p.t", "SHARE", "writes")


def test_plans_locks_are_the_strongest_of_each_table(plan: Plan) -> None:
    assert [(lock.table, lock.mode) for lock in plan.locks] == [
        ("p.o", "SHARE ROW EXCLUSIVE"),
        ("p.t", "ACCESS EXCLUSIVE"),
    ]


def test_008_locks_organizations_at_the_very_end() -> None:
    """As its own comment promises."""
    plan = planned(load_migration(SQL / "migrations", "008"))
    locking = [
        step.summary
        for step in plan.steps
        if any(lock.table == "platform.organizations" for lock in step.locks)
    ]
    assert len(locking) == 1
    assert "users_active_org_id_fkey" in locking[0]
