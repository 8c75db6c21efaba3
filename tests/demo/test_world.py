"""The world: shaped as the migrations need it, the same each time, well guarded."""

import psycopg
import pytest
from psycopg import errors

from flows.demo.world import World, create_world

MEMBERSHIPS = """
    SELECT memberships, count(*)
    FROM (
        SELECT count(m.org_id) AS memberships
        FROM platform.users AS u
        LEFT JOIN platform.org_members AS m ON m.user_id = u.id
        GROUP BY u.id
    ) AS users
    GROUP BY memberships
    ORDER BY memberships
"""
DIGEST = "SELECT md5(string_agg(m::text, '' ORDER BY m)) FROM platform.org_members AS m"


def test_users_are_in_none_to_three_organizations(owner):
    counts = owner.execute(MEMBERSHIPS).fetchall()
    assert counts == [(0, 50), (1, 150), (2, 150), (3, 150)]


def test_joining_moments_of_a_user_differ(owner):
    query = (
        "SELECT 1 FROM platform.org_members GROUP BY user_id, joined_at"
        " HAVING count(*) > 1"
    )
    assert owner.execute(query).fetchall() == []


def test_first_joined_is_not_always_the_first_key(owner):
    query = (
        "SELECT count(*) FILTER (WHERE first = least_id), count(*) FROM (SELECT"
        " (array_agg(org_id ORDER BY joined_at))[1] AS first,"
        " (array_agg(org_id ORDER BY org_id))[1] AS least_id"
        " FROM platform.org_members GROUP BY user_id HAVING count(*) > 1) AS x"
    )
    same, users = owner.execute(query).fetchone()
    assert 0 < same < users


def test_smoke_user_is_a_member_of_one_and_not_of_the_other(owner, world: World):
    query = "SELECT org_id FROM platform.org_members WHERE user_id = %s"
    joined = {org for (org,) in owner.execute(query, [world.smoke.user_id])}
    assert world.smoke.org_id in joined
    assert world.smoke.other_org_id not in joined


def test_same_size_gives_the_same_rows(server, owner, request):
    create_world(server, 500, "second_world")
    request.addfinalizer(lambda: _drop(server, "second_world"))
    with psycopg.connect(server.url("second_world")) as second:
        assert second.execute(DIGEST).fetchone() == owner.execute(DIGEST).fetchone()


def _drop(server, database: str) -> None:
    with psycopg.connect(server.url(), autocommit=True) as admin:
        admin.execute(b"DROP DATABASE " + database.encode())


def test_owner_is_no_superuser_and_sees_other_sessions(owner):
    row = owner.execute(
        "SELECT rolsuper, pg_has_role(oid, 'pg_read_all_stats', 'USAGE')"
        " FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    assert row == (False, True)


def test_owner_may_make_a_schema(owner):
    owner.execute("CREATE SCHEMA pgflight")


@pytest.mark.parametrize(
    "forbidden",
    [
        "UPDATE platform.users SET id = gen_random_uuid()",
        "DELETE FROM platform.users",
        "DELETE FROM platform.organizations",
        "ALTER TABLE platform.users ADD COLUMN mine int",
        "CREATE TABLE platform.mine ()",
        "CREATE SCHEMA mine",
    ],
)
def test_application_role_may_not(app, forbidden):
    with pytest.raises(errors.InsufficientPrivilege):
        app.execute(forbidden)


def test_world_shows_no_password(server, world: World):
    assert server.passwords["platform_owner"] in world.owner_url
    assert server.passwords["platform_owner"] not in repr(world)
    assert world.signing_secret not in repr(world)
