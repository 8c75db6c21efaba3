"""Other sessions on a real server: whose locks are seen, and in which words."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.rows import dict_row

from flows.database.connection import Conn
from flows.database.sessions import (
    describe_blockers,
    existing_tables,
    read_blockers,
    table_oids,
)
from flows.demo.world import World

USERS = ["platform.users"]


@pytest.fixture
def conn(world: World) -> Iterator[Conn]:
    with psycopg.connect(world.owner_url, row_factory=dict_row) as conn:
        yield conn


def test_idle_transaction_is_seen_with_its_age(
    conn: Conn, owner: psycopg.Connection
) -> None:
    owner.execute("SET application_name = reports; BEGIN")
    owner.execute("SELECT pg_sleep(0.2) FROM platform.users LIMIT 1")
    (found,) = read_blockers(conn, USERS)
    assert found.pid == owner.info.backend_pid
    assert found.age_s is not None and 0.2 <= found.age_s < 10
    assert (found.application_name, found.usename) == ("reports", "platform_owner")
    assert (found.state, found.modes) == ("idle in transaction", ("ACCESS SHARE",))


def test_blockers_are_described_oldest_first(
    conn: Conn, owner: psycopg.Connection, app: psycopg.Connection
) -> None:
    owner.execute("BEGIN; LOCK platform.users IN SHARE MODE")
    app.execute("BEGIN; SELECT FROM platform.users LIMIT 1")
    first, second = describe_blockers(conn, USERS)
    assert first.startswith(f"pid {owner.info.backend_pid}, ")
    assert "(SHARE on platform.users)" in first
    assert second.startswith(f"pid {app.info.backend_pid}, ")


def test_own_locks_are_no_blockers(conn: Conn) -> None:
    conn.execute("LOCK platform.users")
    assert read_blockers(conn, USERS) == []


def test_lock_on_another_table_is_no_blocker(
    conn: Conn, owner: psycopg.Connection
) -> None:
    owner.execute("BEGIN; LOCK platform.organizations")
    assert read_blockers(conn, USERS) == []


def test_lock_on_a_partition_counts_for_its_table(
    conn: Conn, owner: psycopg.Connection
) -> None:
    owner.execute("CREATE TABLE platform.log (a int) PARTITION BY LIST (a)")
    owner.execute("CREATE TABLE platform.log1 PARTITION OF platform.log DEFAULT")
    owner.execute("BEGIN; LOCK platform.log1 IN ROW EXCLUSIVE MODE")
    (found,) = read_blockers(conn, ["platform.log"])
    assert (found.table, found.modes) == ("platform.log", ("ROW EXCLUSIVE",))


def test_tables_keep_order_and_spelling(conn: Conn) -> None:
    names = ["platform.users", "platform.nothing", '"platform".organizations']
    assert existing_tables(conn, names) == (names[0], names[2])
    assert len(table_oids(conn, names)) == 2


def test_table_is_found_where_the_role_may_not_look(
    world: World, admin: psycopg.Connection
) -> None:
    admin.execute("CREATE SCHEMA closed; CREATE TABLE closed.t (a int)")
    with psycopg.connect(world.app_url, row_factory=dict_row) as conn:
        assert existing_tables(conn, ["closed.t"]) == ("closed.t",)


def test_unqualified_name_is_looked_up_in_the_search_path(conn: Conn) -> None:
    assert existing_tables(conn, ["users"]) == ()
    conn.execute("SET LOCAL search_path = platform")
    assert existing_tables(conn, ["users"]) == ("users",)
