"""The plan of a migration, from its text alone."""

from pathlib import Path

import pytest

from flows.migration.estimate import Outlook
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


def test_index_is_planned_behind_the_backfill(tmp_path: Path) -> None:
    """As it will run, whichever way."""
    up = "CREATE INDEX i ON t (a); UPDATE t SET a = 1 WHERE a IS NULL"
    (tmp_path / "3_a.up.sql").write_text(up)
    plan = planned(load_migration(tmp_path, "3"))
    assert [step.summary for step in plan.steps] == ["UPDATE t", "CREATE INDEX i ON t"]


def test_online_plan_has_the_statements_that_will_run() -> None:
    plan = planned(load_migration(SQL / "migrations", "008"), "online")
    kinds = [step.kind for step in plan.steps]
    assert kinds[:5] == ["brief", "backfill", "index", "brief", "validate"]
    assert plan.steps[2].statements[0].startswith("CREATE INDEX CONCURRENTLY")
    assert "u.ctid >= %(low)s" in plan.steps[1].statements[0]
    assert (plan.strategy, "short steps" in plan.conclusion) == ("online", True)
    assert [step.rows for step in plan.steps[:5]] == ["", "fill", "scan", "", "scan"]
    assert [step.is_transactional for step in plan.steps[:3]] == [True, True, False]


@pytest.mark.parametrize("wish", ["transactional", "online"])
def test_each_step_has_its_expected_time(wish: Wish) -> None:
    up = load_migration(SQL / "migrations", "008").up
    outlook = Outlook({"platform.users": 100_000})
    choice = choose(wish, up, 100_000, outlook)
    plan = plan_of(load_migration(SQL / "migrations", "008"), choice, 100_000, outlook)
    by_summary = {step.summary: step.expected_ms or 0 for step in plan.steps}
    assert by_summary["UPDATE platform.users"] > 1_000
    assert 50 < by_summary["CREATE INDEX idx_users_active_org ON platform.users"] < 500
    assert by_summary["ALTER TABLE platform.users ADD COLUMN active_org_id"] < 50
    assert plan.expected_ms == pytest.approx(sum(by_summary.values()), rel=0.1)


def test_plan_as_a_page_has_a_row_and_the_sql_of_each_step() -> None:
    plan = planned(load_migration(SQL / "migrations", "008"), "online")
    page = plan.as_markdown()
    assert page.startswith("# 008 An active organization for every user")
    assert page.count("```sql") == len(plan.steps)
    assert "| 2 | backfill: `UPDATE platform.users` |" in page
    assert "ACCESS EXCLUSIVE on platform.users" in page


def test_plan_in_short_names_whom_it_keeps_waiting_and_no_more() -> None:
    """The fields of an approval's form stand below it."""
    plan = planned(load_migration(SQL / "migrations", "008"))
    short = plan.in_short()
    assert "13 steps, 3 keep the application waiting" in short
    assert "ACCESS EXCLUSIVE on platform.users: reads and writes" in short
    assert "COMMENT" not in short
    assert len(short.splitlines()) < 12


def test_plan_of_what_fits_neither_says_so(tmp_path: Path) -> None:
    (tmp_path / "3_a.up.sql").write_text("UPDATE t SET a = a + 1 WHERE a > 0")
    migration = load_migration(tmp_path, "3")
    outlook = Outlook({"t": 1_000_000})
    plan = plan_of(
        migration, choose("auto", migration.up, 2_000, outlook), 2_000, outlook
    )
    assert plan.strategy is None
    assert plan.conclusion.startswith("Strategy: none will do: in one transaction")
