"""A foreign key whose referenced rows go away before it is there."""

from collections.abc import Callable

import psycopg
import pytest

from flows.database.online.apply import apply_online
from flows.migration.errors import ApplyFailed
from flows.migration.flight import Flight
from tests.database.conftest import Bare
from tests.database.online.conftest import FlyOnline
from tests.database.online.test_apply import states

ORPHANS = (
    "SELECT count(*) FROM platform.users AS u WHERE active_org_id IS NOT NULL"
    " AND NOT EXISTS (SELECT FROM platform.organizations WHERE id = active_org_id)"
)


def deletes_after(
    owner: psycopg.Connection, step: str, statement: bytes
) -> Callable[[str], None]:
    """Runs a statement once a step with this in its summary is done."""

    def say(line: str) -> None:
        if step in line and "%" not in line:
            owner.execute(statement)

    return say


@pytest.mark.parametrize(
    "step", ["UPDATE platform.users", "CREATE INDEX", "ADD CONSTR"]
)
def test_deleted_organization_is_set_to_null_and_swept(
    online: Flight, owner: psycopg.Connection, step: str
):
    """Whoever is a member of another one gets that: as if it had never been."""
    gone = (
        b"DELETE FROM platform.organizations WHERE id IN"
        b" (SELECT active_org_id FROM platform.users"
        b"  WHERE active_org_id IS NOT NULL ORDER BY id LIMIT 3)"
    )
    apply_online(online, deletes_after(owner, step, gone))
    assert owner.execute(ORPHANS).fetchone() == (0,)
    left = owner.execute(
        "SELECT count(*) FROM platform.users AS u WHERE active_org_id IS NULL"
        " AND EXISTS (SELECT FROM platform.org_members WHERE user_id = u.id)"
    ).fetchone()
    assert left == (0,)


def test_rows_that_break_a_key_are_named(
    bare: Bare, fly_online: FlyOnline, owner: psycopg.Connection
):
    owner.execute("ALTER TABLE platform.users ADD COLUMN boss uuid")
    owner.execute(
        "UPDATE platform.users SET boss = '00000000-0000-4000-8000-00000000beef'"
        " WHERE id = (SELECT min(id::text)::uuid FROM platform.users)"
    )
    bare(
        "ALTER TABLE platform.users ADD CONSTRAINT boss_fkey FOREIGN KEY (boss)"
        " REFERENCES platform.organizations (id) ON DELETE SET NULL"
    )
    with pytest.raises(ApplyFailed) as caught:
        fly_online()
    assert "00000000-0000-4000-8000-00000000beef" in caught.value.message
    assert states(owner) == [("rolled_back", "online")]
    kept = "SELECT count(*) FROM platform.users WHERE boss IS NOT NULL"
    assert owner.execute(kept).fetchone() == (1,)
