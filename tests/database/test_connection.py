"""Connections: which errors mean what, who tries again, and what is left behind."""

import threading
import time
from collections.abc import Callable

import psycopg
import pytest
from psycopg import errors
from pydantic import SecretStr

from flows.database.connection import (
    Cause,
    Conn,
    cause_of,
    connect,
    one,
    reading,
    session,
)
from flows.demo.world import World
from flows.migration.errors import (
    ConnectionFailed,
    ConnectionRefused,
    PgflightError,
    QueryFailed,
)
from flows.migration.target import Target
from tests.database.conftest import backend_count

CAUSES = {
    errors.AdminShutdown: Cause.CONNECTION,
    errors.CrashShutdown: Cause.CONNECTION,
    errors.CannotConnectNow: Cause.CONNECTION,
    errors.TooManyConnections: Cause.CONNECTION,
    errors.ConnectionFailure: Cause.CONNECTION,
    errors.LockNotAvailable: Cause.CONTENTION,
    errors.DeadlockDetected: Cause.CONTENTION,
    errors.SerializationFailure: Cause.CONTENTION,
    errors.QueryCanceled: Cause.BUDGET,
    errors.IdleInTransactionSessionTimeout: Cause.BUDGET,
    errors.UniqueViolation: Cause.REFUSAL,
    errors.ForeignKeyViolation: Cause.REFUSAL,
    errors.UndefinedTable: Cause.REFUSAL,
    errors.InsufficientPrivilege: Cause.REFUSAL,
    errors.ReadOnlySqlTransaction: Cause.REFUSAL,
    errors.DiskFull: Cause.REFUSAL,
    errors.InternalError_: Cause.REFUSAL,
    psycopg.OperationalError: Cause.CONNECTION,
    psycopg.InterfaceError: Cause.CONNECTION,
    psycopg.ProgrammingError: Cause.REFUSAL,
}


@pytest.mark.parametrize("kind", CAUSES)
def test_cause(kind: type[psycopg.Error]):
    assert cause_of(kind("")) is CAUSES[kind]


def test_concurrent_update_of_the_catalogue_is_contention():
    error = errors.InternalError_("tuple concurrently updated")
    assert cause_of(error) is Cause.CONTENTION


def raised(conn: Conn, statement: str) -> psycopg.Error:
    with pytest.raises(psycopg.Error) as caught:
        conn.execute(statement.encode())
    return caught.value


def test_unique_violation_in_a_table_is_a_refusal(conn: Conn):
    error = raised(conn, "INSERT INTO platform.users SELECT * FROM platform.users")
    assert (error.sqlstate, cause_of(error)) == ("23505", Cause.REFUSAL)


def test_unique_violation_in_the_catalogue_is_contention(conn: Conn, owner):
    owner.execute("BEGIN; CREATE TABLE platform.t ()")
    threading.Timer(0.1, lambda: owner.execute("COMMIT")).start()
    error = raised(conn, "CREATE TABLE IF NOT EXISTS platform.t ()")
    assert (error.sqlstate, cause_of(error)) == ("23505", Cause.CONTENTION)


def test_terminated_backend_is_a_lost_connection(conn: Conn):
    error = raised(conn, "SELECT pg_terminate_backend(pg_backend_pid())")
    assert cause_of(error) is Cause.CONNECTION


def test_idle_limit_is_the_budget(target: Target):
    with connect(target, "test") as conn:
        conn.execute("SET idle_in_transaction_session_timeout = 50")
        conn.commit()
        conn.execute("SELECT 1")
        time.sleep(0.2)
        assert cause_of(raised(conn, "SELECT 1")) is Cause.BUDGET


def changed(target: Target, old: str, new: str) -> Target:
    url = target.database_url.get_secret_value()
    assert old in url
    return Target(SecretStr(url.replace(old, new)))


@pytest.mark.parametrize(
    ("old", "new", "gist"),
    [
        ("platform_owner:", "platform_owner:wrong", "password authentication failed"),
        ("/world", "/no_world", "does not exist"),
    ],
)
def test_final_refusal_is_not_tried_again(
    target: Target, old: str, new: str, gist: str
):
    started = time.monotonic()
    with pytest.raises(ConnectionRefused, match=gist):
        connect(changed(target, old, new), "test", attempts=5)
    # Trying four times more would take 5.6 s at least.
    assert time.monotonic() - started < 3


def test_unreachable_server_is_tried_again():
    nobody = Target(SecretStr("postgresql://a:secret@127.0.0.1:9/x"))
    started = time.monotonic()
    with pytest.raises(ConnectionFailed) as caught:
        connect(nobody, "test", attempts=2)
    assert time.monotonic() - started > 0.3
    assert not isinstance(caught.value, ConnectionRefused)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://a:s3cr%zt@127.0.0.1/x",
        "postgresql://a:s3cr%zt@127.0.0.1:port/x",
        "postgresql://a:s3cr%zt@[127.0.0.1/x",
        "host=127.0.0.1 port=9 user=a password=s3cr%zt",
        "nonsense s3cr%zt",
    ],
)
def test_connection_error_keeps_the_password(url: str):
    with pytest.raises(PgflightError) as caught:
        connect(Target(SecretStr(url)), "test")
    assert "s3cr" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_wrong_password_is_not_shown(target: Target):
    wrong = changed(target, "platform_owner:", "platform_owner:hush")
    with pytest.raises(ConnectionRefused) as caught:
        connect(wrong, "test")
    assert "hush" not in str(caught.value)


def test_refused_question_is_translated(target: Target):
    with (
        pytest.raises(QueryFailed, match=r"\(42P01\)"),
        session(target, "test") as conn,
    ):
        conn.execute("SELECT FROM nix")


def test_session_rolls_back(target: Target, owner):
    with session(target, "test") as conn:
        conn.execute("CREATE TABLE platform.t ()")
    row = owner.execute("SELECT to_regclass('platform.t')").fetchone()
    assert row == (None,)


def test_session_gives_locks_back_when_the_block_fails(target: Target, app):
    with pytest.raises(ZeroDivisionError), session(target, "test") as conn:
        conn.execute("LOCK TABLE platform.users IN ACCESS EXCLUSIVE MODE")
        raise ZeroDivisionError
    app.execute("SET statement_timeout = '200ms'")
    app.execute("SELECT 1 FROM platform.users LIMIT 1")


class Interrupted(BaseException):
    """As Prefect's cancellation arrives: not an Exception."""


def test_interruption_cancels_the_statement_on_the_server(target: Target, admin):
    with pytest.raises(Interrupted), session(target, "interrupted") as conn:
        conn.pgconn.send_query(b"SELECT pg_sleep(30)")
        raise Interrupted
    wait_until(lambda: backend_count(admin, "interrupted") == 0)


def wait_until(is_so: Callable[[], bool], for_s: float = 1.0) -> None:
    deadline = time.monotonic() + for_s
    while not is_so():
        assert time.monotonic() < deadline, "still not so"
        time.sleep(0.01)


def test_settled_session_may_be_closed_in_the_block(target: Target):
    with session(target, "test") as conn:
        conn.execute("SELECT 1")
        conn.close()


def test_reading_waits_for_no_lock_for_long(target: Target):
    with reading(target, "test") as conn:
        row = conn.execute("SHOW lock_timeout").fetchone()
        assert row == {"lock_timeout": "2s"}


def test_application_name_says_who(target: Target, admin):
    with session(target, "008 apply"):
        assert backend_count(admin, "008 apply") == 1


def test_times_are_read_whatever_the_datestyle(target: Target, owner):
    owner.execute("BEGIN; SELECT pg_advisory_xact_lock(1)")
    with session(target, "test") as conn:
        conn.execute("SET LOCAL DateStyle = 'SQL, DMY'")
        holder = one(conn, "select_fence_holder", key=1)
    assert holder["xact_start"].tzinfo is not None


def test_isolation_is_ours_whatever_the_role_has(
    target: Target, admin: psycopg.Connection, world: World
):
    """The snapshot of a fence that never ends would hold up everything."""
    level = "default_transaction_isolation = 'repeatable read'"
    admin.execute(f"ALTER DATABASE {world.database} SET {level}")
    with session(target, "test") as conn:
        row = conn.execute("SHOW transaction_isolation").fetchone()
    assert row == {"transaction_isolation": "read committed"}
