"""What others do between two steps ends as it would in one transaction."""

from collections.abc import Callable

import pytest
from psycopg import errors

from flows.database.connection import Conn
from flows.migration.online.rewrite import plan_online
from flows.migration.online.steps import OnlineStep
from tests.fix_scripts import Read
from tests.migrations.online_runner import Runner

FILL = """
    UPDATE shop.users AS u
    SET org_id = (SELECT min(m.org_id) FROM shop.members AS m WHERE m.user_id = u.id)
    WHERE u.org_id IS NULL
"""
COLUMN = (
    "ALTER TABLE shop.users ADD COLUMN org_id int REFERENCES shop.organizations (id)"
)
OLD_COLUMN = """
    ALTER TABLE shop.orders ADD CONSTRAINT orders_org FOREIGN KEY (org_id)
    REFERENCES shop.organizations (id) ON DELETE SET NULL
"""
LEAVE = "DELETE FROM shop.members WHERE org_id = 1"
LEAVE_ALL = """
    DELETE FROM shop.members USING shop.users AS u WHERE u.id = user_id AND u.org_id = 1
"""
DISSOLVE = "DELETE FROM shop.organizations WHERE id = 1"
MEMBERS = "SELECT count(*) FROM shop.users WHERE org_id = 1"
LOST = """
    SELECT count(*) FROM shop.users AS u WHERE org_id IS NOT NULL
    AND NOT EXISTS (SELECT FROM shop.organizations AS o WHERE o.id = u.org_id)
"""

NEWCOMER = """
    INSERT INTO shop.users (id, email, created_at) VALUES (99, 'a@b', now())
"""
FILLED = "SELECT count(*) FROM shop.users WHERE id = 99 AND org_id = 2"

Steps = Callable[[str], tuple[OnlineStep, ...]]


@pytest.fixture
def steps(read: Read) -> Steps:
    return lambda sql: plan_online(read(sql))


def count_of(conn: Conn, query: str) -> int:
    found = conn.execute(query.encode()).fetchone()
    assert found
    return int(found["count"])


def run_until_filled(ground: Conn, steps: tuple[OnlineStep, ...]) -> Runner:
    """Run the first two steps, the column and its backfill."""
    runner = Runner(ground)
    runner.run(steps[:2])
    assert steps[1].kind == "backfill"
    assert count_of(ground, MEMBERS) > 0
    return runner


def test_reference_to_a_row_that_went_is_set_to_null(ground, steps: Steps) -> None:
    planned = steps(f"{COLUMN} ON DELETE SET NULL; {FILL}")
    runner = run_until_filled(ground, planned)
    ground.execute(LEAVE)
    ground.execute(DISSOLVE)
    runner.run(planned[2:])
    assert (count_of(ground, MEMBERS), count_of(ground, LOST)) == (0, 0)


@pytest.mark.parametrize("action", ["", "ON DELETE RESTRICT"])
def test_row_that_is_referred_to_cannot_go(ground, steps: Steps, action: str) -> None:
    planned = steps(f"{COLUMN} {action}; {FILL}")
    runner = run_until_filled(ground, planned)
    ground.execute(LEAVE)
    with pytest.raises((errors.ForeignKeyViolation, errors.RestrictViolation)):
        ground.execute(DISSOLVE)
    runner.run(planned[2:])


def test_row_that_goes_takes_along_what_the_key_says(ground, steps: Steps) -> None:
    planned = steps(f"{COLUMN} ON DELETE CASCADE; {FILL}")
    run_until_filled(ground, planned)
    ground.execute(LEAVE)
    ground.execute(LEAVE_ALL)
    ground.execute(DISSOLVE)
    assert (count_of(ground, MEMBERS), count_of(ground, LOST)) == (0, 0)


def test_values_of_an_old_column_are_not_cleared(ground, steps: Steps) -> None:
    ground.execute("UPDATE shop.orders SET org_id = 99 WHERE id = 1")
    with pytest.raises(errors.ForeignKeyViolation):
        Runner(ground).run(steps(OLD_COLUMN))
    assert count_of(ground, "SELECT count(*) FROM shop.orders WHERE org_id = 99") == 1


def test_row_written_by_the_old_application_is_filled(ground, steps: Steps) -> None:
    column, fill = steps(f"{COLUMN}; {FILL}")
    runner = Runner(ground)
    runner.run([column, fill])
    ground.execute(NEWCOMER)
    ground.execute("INSERT INTO shop.members VALUES (99, 2, now())")
    runner.run([fill])
    assert count_of(ground, FILLED) == 1


def test_column_of_a_domain_is_not_added(ground, steps: Steps) -> None:
    ground.execute("CREATE DOMAIN shop.mail AS text CHECK (VALUE LIKE '%@%')")
    with pytest.raises(errors.RaiseException, match="rewrites the table"):
        Runner(ground).run(steps("ALTER TABLE shop.users ADD COLUMN m shop.mail"))
