"""The demo: migration 008 flown on a database and an application of its own."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory

import platformdirs
import psycopg
from rich.console import Console

from flows.demo.own_prefect import own_prefect
from flows.demo.server import PostgresServer
from flows.demo.service import run_application
from flows.demo.world import World, create_world
from flows.here import make_folder, prepare_prefect, run_here
from flows.migration.outcome import Outcome
from flows.migration.report import Report
from flows.resources import SQL
from flows.terminal import say, show_report, show_status

MIGRATIONS = SQL / "migrations"
DATABASE = "demo"


@dataclass(frozen=True)
class Photograph:
    """What must be the same before a deployment and after its rollback."""

    schema: str
    users: str


def run_demo(console: Console, users: int, breaks: str | None) -> int:
    """Deploy 007 and 008, and show what became of them.

    Args:
        breaks: endpoint, backfill or functions; None flies the good migration.

    Returns:
        0 when all ended as it must: 007 on hold, and 008 deployed, or, when something
        was broken, rolled back with the database proved to be as before.
    """
    _use_private_prefect()
    say(console, f"Starting PostgreSQL and creating {users:,} users", "dim")
    with PostgresServer() as server:
        world = create_world(server, users, DATABASE)
        is_endpoint = breaks == "endpoint"
        with (
            run_application(world, "endpoint" if is_endpoint else "") as endpoint,
            _migrations(breaks) as folder,
        ):
            say(console, f"The application answers on {endpoint}", "dim")
            os.environ.update(world.environment(endpoint))
            # It would name a target of the user's own.
            os.environ.pop("PGFLIGHT_TARGET", None)
            os.environ["PGFLIGHT_EXPECTED_DATABASE"] = _identity(world)
            return _fly_both(console, server, world, folder, breaks)


def run_ui(console: Console, users: int) -> None:
    """Start Prefect's UI on a database that awaits 008, and stay until Ctrl-C."""
    say(console, f"Starting PostgreSQL and creating {users:,} users", "dim")
    with PostgresServer() as server:
        world = create_world(server, users, DATABASE)
        with run_application(world) as endpoint:
            say(console, "Starting Prefect, with a target and a worker", "dim")
            with own_prefect(world.environment(endpoint)) as url:
                # Without v2 it is Prefect's old UI, where a list of blocks is none.
                say(console, f"Prefect's UI: {url}/v2/deployments", "bold")
                say(console, "production of deploy-migration → Run → Custom run:"
                             " 008, target demo → Submit → View run")  # fmt: skip
                say(console, "Ctrl-C stops everything", "dim")
                signal.pause()


def _identity(world: World) -> str:
    """This server's own: on the same port an earlier demo may have had another."""
    with psycopg.connect(world.owner_url) as connection:
        row = connection.execute(
            "SELECT current_database() || '@' || system_identifier"
            " FROM pg_control_system()"
        ).fetchone()
    assert row is not None
    return str(row[0])


def _fly_both(
    console: Console,
    server: PostgresServer,
    world: World,
    folder: Path,
    breaks: str | None,
) -> int:
    before = _photograph(server, world)
    held = _deploy(console, "007", folder)
    flown = _deploy(console, "008", folder)
    _show_standings(console, folder)
    wanted = Outcome.ROLLED_BACK if breaks else Outcome.DEPLOYED
    is_good = held.outcome is Outcome.BLOCKED and flown.outcome is wanted
    if breaks:
        is_good &= _is_as_before(console, before, _photograph(server, world))
    return 0 if is_good else 1


def _deploy(console: Console, version: str, folder: Path) -> Report:
    console.print()
    say(console, f"$ pgflight deploy {version}", "bold")

    def run() -> object:
        from flows.deploy import deploy_migration

        return deploy_migration(version, folder=str(folder), return_state=True)

    report = run_here(console, run)
    show_report(console, report)
    return report


def _show_standings(console: Console, folder: Path) -> None:
    from flows.database.status import read_status
    from flows.migration.target import target_from_environment

    console.print()
    say(console, "$ pgflight status", "bold")
    show_status(console, read_status(target_from_environment(os.environ), folder))


@contextmanager
def _migrations(breaks: str | None) -> Iterator[Path]:
    """The folder to deploy from: a copy with a mistake in 008 where one is wanted."""
    mistake = SQL / "demo" / "break" / f"{breaks}.sql"
    if not mistake.is_file():
        yield MIGRATIONS
        return
    with TemporaryDirectory(prefix="pgflight-demo-") as copy:
        folder = Path(copy) / "migrations"
        copytree(MIGRATIONS, folder)
        up = folder / "008_active_org" / "up.sql"
        up.write_text(f"{up.read_text()}\n{mistake.read_text()}")
        yield folder


def _photograph(server: PostgresServer, world: World) -> Photograph:
    """pg_dump's view of the schema but the ledger, and a hash of all users."""
    dump = subprocess.run(
        [
            server.bin_dir / "pg_dump",
            "--schema-only",
            "--exclude-schema=pgflight",
            "--restrict-key=demo",
            world.owner_url,
        ],
        capture_output=True,
        check=True,
        text=True,
    )
    with psycopg.connect(world.owner_url) as connection:
        text = (SQL / "demo" / "hash_users.sql").read_bytes()
        row = connection.execute(text).fetchone()
    assert row is not None
    return Photograph(schema=dump.stdout, users=row[0])


def _is_as_before(console: Console, before: Photograph, after: Photograph) -> bool:
    console.print()
    for what, is_same in (
        (f"pg_dump --schema-only, all but the ledger, {len(before.schema):,} bytes",
         before.schema == after.schema),
        ("all rows of platform.users", before.users == after.users),
    ):  # fmt: skip
        mark, verdict = ("✅", "as before") if is_same else ("❌", "CHANGED")
        say(console, f"{mark} {what}: {verdict}")
    return before == after


def _use_private_prefect() -> None:
    """A Prefect of the demo's own, in the user's cache: its database is kept there,
    because making it anew takes ten seconds."""
    cache = platformdirs.user_cache_path("pgflight") / "prefect"
    make_folder(cache, "HOME or XDG_CACHE_HOME")
    os.environ["PREFECT_HOME"] = str(cache)
    os.environ.pop("PREFECT_API_URL", None)
    prepare_prefect()
