"""F20: the wrong target is refused before anything is written, for the right reason."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from flows.demo.loopback import HOST
from flows.demo.server import PostgresServer
from flows.demo.world import World
from flows.migration.finding import Level
from flows.migration.outcome import Outcome
from tests.database.test_connection import wait_until
from tests.faults import alone
from tests.fix_flight import NO_ENDPOINT
from tests.fix_pgbouncer import MODES
from tests.standby import can_connect, standby_of

Variables = dict[str, str]
SetVariables = Callable[[Variables], None]


@pytest.fixture(autouse=True)
def no_smoke_test(folder: Path) -> None:
    """What is flown to the right target has no application here."""
    manifest = folder / "008_active_org" / "migration.toml"
    head, mark, _ = manifest.read_text().partition("# The smoke user")
    assert mark
    manifest.write_text(head)


@pytest.fixture
def wrong(world: World, monkeypatch: pytest.MonkeyPatch) -> SetVariables:
    """Makes the world the target, but for these variables."""

    def set_(changes: Variables) -> None:
        for name, value in (world.environment(NO_ENDPOINT) | changes).items():
            monkeypatch.setenv(name, value)

    return set_


@contextmanager
def nothing_written(admin: psycopg.Connection) -> Iterator[None]:
    """Rows, and transactions that might have written: as the server counts them.

    The log's position moves on a quiet server too, by checkpoints and snapshots.
    """
    before = _writes(admin)
    yield
    # A session's counts are in once it is gone; a pooler keeps it.
    end_ours = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name LIKE 'pgflight %'"
    )
    wait_until(lambda: admin.execute(end_ours).fetchone() is None, 10.0)
    assert _writes(admin) == before


def _writes(admin: psycopg.Connection) -> object:
    return admin.execute(
        "SELECT tup_inserted, tup_updated, tup_deleted,"
        " to_regnamespace('pgflight') FROM pg_stat_database"
        " WHERE datname = current_database()"
    ).fetchone()


def refused(folder: Path, reason: str) -> None:
    """Every flight ends as BLOCKED, and says the same."""
    for fly in (alone.deploy, alone.roll_back, alone.verify, alone.recover):
        report = fly(folder)
        assert (report.outcome, report.exit_code) == (Outcome.BLOCKED, 10)
        assert reason in report.errors[0], (fly.__name__, report.errors)


def f20(folder: Path, admin: psycopg.Connection, reason: str) -> None:
    """A deployment that preflight refuses for this reason only."""
    with nothing_written(admin):
        report = alone.deploy(folder)
    assert (report.outcome, report.exit_code) == (Outcome.BLOCKED, 10)
    assert [f.level for f in report.findings if f.level is Level.BLOCK], report
    assert reason in report.errors[0], report.errors


def test_another_database(
    wrong: SetVariables, folder: Path, admin: psycopg.Connection, world: World
) -> None:
    wrong({"PGFLIGHT_EXPECTED_DATABASE": "production"})
    with nothing_written(admin):
        refused(folder, "expected was production")


def test_database_without_the_tables(
    wrong: SetVariables, folder: Path, admin: psycopg.Connection, world: World
) -> None:
    empty = world.owner_url.replace(f"/{world.database}", "/postgres")
    wrong({"DATABASE_URL": empty})
    f20(folder, admin, "platform.users")


def test_standby(
    wrong: SetVariables,
    folder: Path,
    admin: psycopg.Connection,
    server: PostgresServer,
    world: World,
) -> None:
    with standby_of(server) as port:
        url = world.owner_url.replace(f":{server.port}/", f":{port}/")
        wait_until(lambda: can_connect(url), 60.0)
        wrong({"DATABASE_URL": url})
        with nothing_written(admin):
            refused(folder, "The server is a standby: it takes no writes")
        both = f"{HOST}:{port},{HOST}:{server.port}"
        leads = url.replace(f"{HOST}:{port}", both)
        wrong({"DATABASE_URL": f"{leads}?target_session_attrs=read-write"})
        assert alone.deploy(folder).outcome is Outcome.DEPLOYED


def test_read_only_by_default(
    wrong: SetVariables, folder: Path, admin: psycopg.Connection, world: World
) -> None:
    admin.execute(
        f"ALTER ROLE platform_owner IN DATABASE {world.database}"
        " SET default_transaction_read_only = on".encode()
    )
    wrong({})
    f20(folder, admin, "Transactions are read-only for this role or database")


def test_objects_of_a_superuser(
    wrong: SetVariables, folder: Path, admin: psycopg.Connection
) -> None:
    admin.execute("ALTER TABLE platform.users OWNER TO postgres")
    wrong({})
    f20(
        folder,
        admin,
        "platform_owner must be owner of platform.users, which belongs to postgres",
    )


def test_role_that_owns_nothing(
    wrong: SetVariables, folder: Path, admin: psycopg.Connection, world: World
) -> None:
    wrong({"DATABASE_URL": world.app_url})
    f20(
        folder,
        admin,
        "platform_app must be owner of platform.users, which belongs to platform_owner",
    )


@pytest.mark.parametrize("pool_mode", MODES)
def test_pgbouncer(
    wrong: SetVariables, folder: Path, admin: psycopg.Connection, pooled_url: str
) -> None:
    wrong({"DATABASE_URL": pooled_url})
    with nothing_written(admin):
        refused(folder, "The connection goes through a pooler, such as PgBouncer")


@pytest.fixture
def plain_role(admin: psycopg.Connection) -> Iterator[None]:
    admin.execute("REVOKE pg_monitor FROM platform_owner")
    yield
    admin.execute("GRANT pg_monitor TO platform_owner")


@pytest.mark.usefixtures("plain_role")
def test_role_that_cannot_see_other_sessions(wrong: SetVariables, folder: Path) -> None:
    """Degraded: it says that it is blind, and never that nobody is in the way."""
    wrong({})
    report = alone.deploy(folder)
    found = {finding.rule: finding.level for finding in report.findings}
    assert found["blind"] is Level.WARNING
    assert "sessions" not in found
