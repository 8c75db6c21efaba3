"""What the application may do in the middle of an online deployment, one by one."""

import threading
import time
from collections.abc import Callable, Iterator
from uuid import UUID, uuid4

import psycopg
import pytest

from flows.database.online.apply import apply_online
from flows.database.online.backfill import FEW, Backfill
from flows.demo.world import World
from flows.migration.errors import ApplyFailed
from flows.migration.report import Applied
from tests.database.conftest import quiet
from tests.database.online.application import (
    DELETE_ORG,
    DELETE_USER,
    JOIN,
    LEAVE,
    RENAME,
    SIGN_UP,
)
from tests.fix_stretched import Gate, cleared, deploying

COLUMN, BACKFILL, INDEX, KEY, VALIDATE, FUNCTIONS, COMMENT, LAST = range(1, 9)
"""The steps of 008."""

MEMBERSHIPS = """
SELECT u.id, array_agg(m.org_id ORDER BY m.joined_at, m.org_id)
FROM platform.users AS u
JOIN platform.org_members AS m ON m.user_id = u.id
GROUP BY u.id
HAVING count(*) = %s
ORDER BY u.id
"""
VALUE = "SELECT active_org_id FROM platform.users WHERE id = %s"
BLOCK = "SELECT (ctid::text::point)[0]::int FROM platform.users WHERE id = %s"
NOT_LOCKED_BEHIND = """
SELECT u.id FROM platform.users AS u
WHERE u.ctid >= %s::tid AND u.ctid < %s::tid
  AND EXISTS (SELECT FROM platform.org_members WHERE user_id = u.id)
ORDER BY u.ctid DESC
FOR UPDATE SKIP LOCKED
"""
NOT_LOCKED = """
SELECT id FROM platform.users WHERE id = ANY (%s) FOR UPDATE SKIP LOCKED
"""
LOCKED = """
SELECT id FROM platform.users
WHERE ctid < '(32,0)' AND id <> %s AND id NOT IN (
  SELECT id FROM platform.users FOR UPDATE SKIP LOCKED)
"""
CROWD = """
WITH crowd AS (
    INSERT INTO platform.users (email, display_name, password_hash)
    SELECT 'crowd' || n, 'Crowd', '!' FROM generate_series(1, %s) AS n
    RETURNING id)
INSERT INTO platform.org_members (user_id, org_id) SELECT id, %s FROM crowd
"""
OF_CROWD = """
SELECT active_org_id, count(*)::int FROM platform.users
WHERE display_name = 'Crowd' GROUP BY active_org_id
"""
EMPTYING = """
CREATE FUNCTION platform.empty() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN NEW.active_org_id := NULL; RETURN NEW; END $$;
CREATE TRIGGER emptying BEFORE UPDATE ON platform.users
  FOR EACH ROW EXECUTE FUNCTION platform.empty();
"""

Meanwhile = Callable[[], object]
Fly = Callable[..., Applied]


@pytest.fixture
def owner(stretched: World) -> Iterator[psycopg.Connection]:
    with psycopg.connect(stretched.owner_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def app(stretched: World) -> Iterator[psycopg.Connection]:
    with psycopg.connect(stretched.app_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def fly(stretched: World) -> Fly:
    """Deploy, and do something between two steps."""

    def fly(after: int = 0, meanwhile: Meanwhile = lambda: None) -> Applied:
        said: list[str] = []

        def say(line: str) -> None:
            said.append(line)
            if len(said) == after:
                meanwhile()

        return apply_online(cleared(stretched), say)

    return fly


@pytest.fixture
def fly_held(stretched: World, gate: Gate) -> Fly:
    """Deploy, and do something while the first batch is held at the gate."""

    def fly(meanwhile: Meanwhile, when_filled: Meanwhile = lambda: None) -> Applied:
        said: list[str] = []

        def say(line: str) -> None:
            said.append(line)
            if len(said) == BACKFILL:
                when_filled()

        gate.close()
        with deploying(cleared(stretched), say) as deploy:
            try:
                gate.wait_for(deploy)
                meanwhile()
            finally:
                gate.open()
            return deploy.result()

    return fly


def value(owner: psycopg.Connection, user: UUID) -> UUID | None:
    row = owner.execute(VALUE, [user]).fetchone()
    assert row is not None
    found: UUID | None = row[0]
    return found


def member_of(owner: psycopg.Connection, orgs: int) -> tuple[UUID, list[UUID]]:
    """A user in so many organizations, which come as they were joined."""
    row = owner.execute(MEMBERSHIPS, [orgs]).fetchone()
    assert row is not None
    return row[0], row[1]


def not_yet_locked(
    owner: psycopg.Connection, low: str = "(0,0)", high: str = "(32,0)"
) -> UUID:
    """A member whom the batch that is held has not come to."""
    row = owner.execute(NOT_LOCKED_BEHIND, [low, high]).fetchone()
    assert row is not None
    user: UUID = row[0]
    return user


def sign_up(app: psycopg.Connection, *orgs: UUID) -> UUID:
    user = uuid4()
    with app.transaction():
        app.execute(SIGN_UP, [user, f"{user}@example.com"])
        for org in orgs:
            app.execute(JOIN, [user, org])
    return user


@pytest.mark.parametrize("after", [BACKFILL, INDEX, KEY, VALIDATE, LAST])
def test_org_deleted_after_a_step(fly: Fly, owner, after: int):
    """Before the key is there nobody clears the value, and after it the key does."""
    user, orgs = member_of(owner, 2)
    fly(after, lambda: owner.execute(DELETE_ORG, [orgs[0]]))
    assert value(owner, user) == orgs[1]


@pytest.mark.parametrize("after", [BACKFILL, INDEX, KEY, VALIDATE, LAST])
def test_only_org_deleted_after_a_step(fly: Fly, owner, after: int):
    user, orgs = member_of(owner, 1)
    fly(after, lambda: owner.execute(DELETE_ORG, [orgs[0]]))
    assert value(owner, user) is None


@pytest.mark.parametrize("after", [COLUMN, BACKFILL, KEY, VALIDATE, LAST])
def test_user_signed_up_after_a_step(fly: Fly, owner, app, after: int):
    _, (org,) = member_of(owner, 1)
    signed_up: list[UUID] = []
    fly(after, lambda: signed_up.append(sign_up(app, org)))
    assert value(owner, signed_up[0]) == org


def test_user_signed_up_in_mid_batch(fly_held: Fly, owner, app):
    _, (org,) = member_of(owner, 1)
    signed_up: list[UUID] = []
    fly_held(lambda: signed_up.append(sign_up(app, org)))
    assert value(owner, signed_up[0]) == org


def test_row_moved_behind_the_scan(fly_held: Fly, owner, app):
    """From a later batch to the one at work, whose snapshot is older."""
    moved: list[UUID] = []
    seen: list[UUID | None] = []

    def move() -> None:
        user = not_yet_locked(owner, "(60,0)", "(70,0)")
        app.execute(RENAME, ["Moved", user])
        assert owner.execute(BLOCK, [user]).fetchone()[0] < 32
        moved.append(user)

    fly_held(move, lambda: seen.append(value(owner, moved[0])))
    assert seen[0]


def test_row_moved_ahead_of_the_scan(fly_held: Fly, owner, app):
    """From the batch at work to behind the end of the table as it was."""
    moved: list[UUID] = []
    end = owner.execute("SELECT pg_relation_size('platform.users') / 8192").fetchone()[
        0
    ]

    def move() -> None:
        user = not_yet_locked(owner)
        # Until the room in front is used up.
        for _ in range(100):
            app.execute(RENAME, ["Moved", user])
            if owner.execute(BLOCK, [user]).fetchone()[0] >= end:
                break
        else:
            raise AssertionError("it does not move")
        moved.append(user)

    fly_held(move)
    assert value(owner, moved[0])


def test_membership_removed_in_mid_batch(fly_held: Fly, owner, app):
    """The value is from the batch's snapshot, or from after it."""
    user, orgs = member_of(owner, 2)
    fly_held(lambda: app.execute(LEAVE, [user, orgs[0]]))
    assert value(owner, user) in orgs


def test_user_deleted_in_mid_batch(fly_held: Fly, owner):
    deleted: list[UUID] = []

    def delete() -> None:
        deleted.append(not_yet_locked(owner))
        owner.execute(DELETE_USER, deleted)

    assert fly_held(delete).rows > 0
    assert owner.execute(VALUE, deleted).fetchone() is None


def test_row_locked_for_a_second(fly: Fly, owner, app, stretched: World):
    """Its holder is not disturbed, and its batch comes back."""
    user, orgs = member_of(owner, 2)
    with (
        psycopg.connect(stretched.app_url) as holder,
        deploying(cleared(stretched), quiet) as deploy,
    ):
        holder.execute(RENAME, ["Held", user])
        time.sleep(1)
        holder.execute(RENAME, ["Still held", user])
        assert not deploy.done()
        holder.commit()
        deploy.result()
    assert value(owner, user) == orgs[0]


def test_org_deleted_while_the_last_sweep_chooses_it(
    stretched: World, gate: Gate, owner, app
):
    """The key refuses it: the batch chooses anew, and nothing is taken back."""
    _, orgs = member_of(owner, 2)
    users: list[UUID] = []
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        if len(said) == LAST:
            users.append(sign_up(app, *orgs))
            gate.close()

    with deploying(cleared(stretched), say) as deploy:
        gate.wait_for(deploy)
        owner.execute(DELETE_ORG, [min(orgs)])
        gate.open()
        deploy.result()
    assert value(owner, users[0]) == max(orgs)


def test_user_renamed_twice_after_the_org_was_deleted(stretched: World, owner, app):
    """The second time the key checks a value that was there before it."""
    user, orgs = member_of(owner, 2)
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        if len(said) == BACKFILL:
            owner.execute(DELETE_ORG, [orgs[0]])
        with app.transaction():
            app.execute(RENAME, ["Once", user])
            app.execute(RENAME, ["Twice", user])

    apply_online(cleared(stretched), say)
    assert value(owner, user) == orgs[1]


def test_application_survives_a_deadlock_with_a_batch(
    stretched: World, gate: Gate, owner, app
):
    """It waits for a row of the batch, which comes to want one of its rows.

    The server ends whoever finds the deadlock after deadlock_timeout: the
    application, if a batch may take so long.
    """
    timer = threading.Timer(0.9, gate.open)
    gate.close()
    with deploying(cleared(stretched), quiet) as deploy, app.transaction():
        gate.wait_for(deploy)
        mine = not_yet_locked(owner)
        app.execute(RENAME, ["Mine", mine])
        theirs = owner.execute(LOCKED, [mine]).fetchall()
        timer.start()
        for (user,) in theirs:
            app.execute(RENAME, ["Theirs", user])
    timer.join()
    assert len(theirs) > 0
    assert value(owner, mine)


@pytest.mark.parametrize("few", [FEW, 0])
def test_newcomers_do_not_keep_it_from_ending(
    stretched: World, owner, monkeypatch: pytest.MonkeyPatch, few: int
):
    """Whenever it looks there are some; those who came before have a value. Also where
    more come in one pass of the table than are filled one by one."""
    monkeypatch.setattr("flows.database.online.backfill.FEW", few)
    _, (org,) = member_of(owner, 1)
    newcomers: list[UUID] = []
    over = threading.Event()

    def come() -> None:
        with psycopg.connect(stretched.app_url, autocommit=True) as door:
            while not over.is_set():
                newcomers.append(sign_up(door, org))
                over.wait(0.002)

    coming = threading.Thread(target=come)
    with deploying(cleared(stretched), quiet) as deploy:
        coming.start()
        try:
            deploy.result()
        finally:
            over.set()
            coming.join()
    assert value(owner, newcomers[0]) == org


def test_many_newcomers_after_the_last_step(fly: Fly, owner):
    """More than are filled one by one."""
    _, (org,) = member_of(owner, 1)
    fly(LAST, lambda: owner.execute(CROWD, [FEW + 100, org]))
    assert owner.execute(OF_CROWD).fetchall() == [(org, FEW + 100)]


def test_value_that_never_arrives(fly: Fly, owner):
    """What was filled and lacks its value again is not filled for ever."""
    owner.execute(EMPTYING)
    with pytest.raises(ApplyFailed, match="something empties them again"):
        fly()
    columns = owner.execute("SELECT * FROM platform.users LIMIT 0").description
    assert "active_org_id" not in [column.name for column in columns]


def test_row_moved_between_look_and_fill(stretched: World, gate: Gate, owner, app):
    """Two rows are left; while one of them is filled the other one moves."""
    _, (org,) = member_of(owner, 1)
    users: list[UUID] = []
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        if len(said) == LAST:
            users.extend(sign_up(app, org) for _ in range(2))
            gate.close()

    with deploying(cleared(stretched), say) as deploy:
        gate.wait_for(deploy)
        free = owner.execute(NOT_LOCKED, [users]).fetchall()
        app.execute(RENAME, ["Moved", free[0][0]])
        gate.open()
        deploy.result()
    assert len(free) == 1
    assert [value(owner, user) for user in users] == [org, org]


def test_row_filled_in_the_place_of_one_that_moved(fly: Fly, owner, app, monkeypatch):
    """Between look and fill a place may come to be another row's: the one that was
    looked for is left, and must be found again."""
    _, (org,) = member_of(owner, 1)
    users: list[UUID] = []
    mistakes: list[object] = []
    look = Backfill._look

    def look_and_mistake(self: Backfill, left: str) -> list[tuple[str, str]]:
        found = look(self, left)
        if len(users) == len(found) == 2 and not mistakes:
            (_, one), (place, _) = found
            mistakes.append(one)
            return [(place, one)]
        return found

    monkeypatch.setattr(Backfill, "_look", look_and_mistake)
    fly(LAST, lambda: users.extend(sign_up(app, org) for _ in range(2)))
    assert mistakes
    assert [value(owner, user) for user in users] == [org, org]
