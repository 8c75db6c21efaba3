"""Preflight of other sessions: who is in the way, judged by lock, age and kind."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from flows.database.preflight.sessions import judge
from flows.database.sessions import Blocker
from flows.demo.world import World
from flows.migration.finding import Finding, Level
from tests.database.preflight.conftest import Deployer, Look, blocking, one

ANYONE = Blocker(
    pid=4711,
    gid=None,
    table="platform.users",
    modes=("ROW EXCLUSIVE",),
    backend_type="client backend",
    state="idle in transaction",
    application_name="reports",
    usename="analyst",
    is_wraparound=False,
    age_s=0.1,
)


def judged(**changes: Any) -> list[Finding]:
    return list(judge(Blocker(**{**vars(ANYONE), **changes})))


@pytest.fixture
def hold(world: World) -> Iterator[Callable[[str], None]]:
    """Runs a statement in another session, whose transaction stays open."""
    opened: list[psycopg.Connection] = []

    def hold(statement: str) -> None:
        opened.append(psycopg.connect(world.owner_url, application_name="reports"))
        opened[-1].execute(statement.encode())

    yield hold
    for connection in opened:
        connection.close()


@pytest.fixture
def every_transaction_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.database.preflight.sessions.TOO_LONG_S", 0)
    monkeypatch.setattr("flows.database.connection.READ_LOCK_TIMEOUT_MS", 100)


@pytest.mark.parametrize("age_s", [0.0, 4.9])
def test_short_transaction_is_nobodys_business(age_s: float) -> None:
    assert judged(age_s=age_s) == []


@pytest.mark.parametrize("age_s", [5.0, 29.9])
def test_long_transaction_is_a_warning(age_s: float) -> None:
    (finding,) = judged(age_s=age_s)
    assert (finding.level, finding.rule) == (Level.WARNING, "long-transaction")
    assert "gives up without having changed anything" in finding.help


def test_too_long_transaction_blocks() -> None:
    (finding,) = judged(age_s=3_600.0)
    assert (finding.level, finding.rule) == (Level.BLOCK, "long-transaction")
    assert finding.message == (
        "In the way: pid 4711, reports of analyst, idle in transaction for 3,600 s"
        " (ROW EXCLUSIVE on platform.users); every query on the table would queue"
        " behind us"
    )
    assert "SELECT pg_terminate_backend(4711)" in finding.help


def test_unknown_age_is_not_judged() -> None:
    assert judged(age_s=None) == []


def test_autovacuum_gives_way() -> None:
    (finding,) = judged(backend_type="autovacuum worker", age_s=3_600.0)
    assert (finding.level, finding.rule) == (Level.INFO, "autovacuum")
    assert "deadlock_timeout" in finding.message


def test_wraparound_vacuum_does_not_give_way() -> None:
    (finding,) = judged(backend_type="autovacuum worker", is_wraparound=True)
    assert (finding.level, finding.rule) == (Level.BLOCK, "wraparound-vacuum")
    assert "platform.users (pid 4711): it does not give way" in finding.message
    assert "do not cancel it" in finding.help


def test_forgotten_prepared_transaction_blocks() -> None:
    (finding,) = judged(pid=None, gid="tx 1", age_s=5.0)
    assert (finding.level, finding.rule) == (Level.BLOCK, "prepared-transaction")
    assert "prepared transaction 'tx 1' of analyst, open for 5 s" in finding.message
    assert "ROLLBACK PREPARED 'tx 1'" in finding.help


# On a real server ---------------------------------------------------------------


@pytest.mark.usefixtures("every_transaction_is_long")
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT FROM platform.users LIMIT 1",
        "UPDATE platform.users SET updated_at = now() WHERE false",
        "UPDATE platform.organizations SET name = 'x' WHERE false",
        "LOCK platform.org_members",
    ],
)
def test_transaction_that_we_wait_for_blocks(
    look: Look, hold: Callable[[str], None], statement: str
) -> None:
    hold(statement)
    assert blocking(look()) == ["long-transaction"]


@pytest.mark.usefixtures("every_transaction_is_long")
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT FROM platform.organizations LIMIT 1",
        "UPDATE platform.org_members SET role = 'member' WHERE false",
        "SELECT 1",
    ],
)
def test_transaction_that_we_do_not_wait_for_is_fine(
    look: Look, hold: Callable[[str], None], statement: str
) -> None:
    """Such as a backup's ACCESS SHARE on what the migration writes to."""
    hold(statement)
    assert one(look(), "sessions").message == "No session stands in the way"


def test_busy_application_is_fine(look: Look, hold: Callable[[str], None]) -> None:
    for _ in range(3):
        hold("UPDATE platform.users SET updated_at = now() WHERE false")
    assert one(look(), "sessions").level is Level.OK


def test_prepared_transaction_is_found(
    look: Look, owner: psycopg.Connection, world: World
) -> None:
    owner.execute("BEGIN; LOCK platform.users IN ROW EXCLUSIVE MODE")
    owner.execute("PREPARE TRANSACTION 'left behind'")
    try:
        finding = one(look(), "prepared-transaction")
        assert "'left behind' of platform_owner, open for 0 s" in finding.message
        assert "(ROW EXCLUSIVE on platform.users)" in finding.message
        assert finding.level is Level.WARNING
    finally:
        owner.execute("ROLLBACK PREPARED 'left behind'")


def test_prepared_transaction_on_another_table_is_fine(
    look: Look, owner: psycopg.Connection
) -> None:
    owner.execute("CREATE TABLE platform.other ()")
    for table in ("other", "users"):
        owner.execute(f"BEGIN; LOCK platform.{table}".encode())
        owner.execute(f"PREPARE TRANSACTION 'on {table}'".encode())
    try:
        assert "'on users'" in one(look(), "prepared-transaction").message
    finally:
        owner.execute("ROLLBACK PREPARED 'on users'")
        assert one(look(), "sessions").level is Level.OK
        owner.execute("ROLLBACK PREPARED 'on other'")


@pytest.mark.usefixtures("every_transaction_is_long")
def test_blind_role_says_so(
    look: Look, deployer: Deployer, hold: Callable[[str], None]
) -> None:
    deployer.grant("USAGE ON SCHEMA platform")
    hold("SELECT FROM platform.users LIMIT 1")
    findings = look(DATABASE_URL=deployer.url)
    finding = one(findings, "blind")
    assert finding.level is Level.WARNING
    assert f"{deployer.name} lacks pg_read_all_stats" in finding.message
    assert finding.help == f"GRANT pg_read_all_stats TO {deployer.name}"
    assert "sessions" not in {finding.rule for finding in findings}
