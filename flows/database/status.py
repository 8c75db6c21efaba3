"""Where each migration stands, from the ledger and the folder together."""

from pathlib import Path

from flows.database.connection import CONNECT_ATTEMPTS, reading
from flows.database.ledger import Run, read_runs
from flows.migration.errors import MigrationError
from flows.migration.folder import Migration, list_migrations, load_migration
from flows.migration.standing import Standing
from flows.migration.target import Target


def read_status(target: Target, folder: Path) -> list[Standing]:
    """Every migration of the folder, then those that only the ledger knows.

    Raises:
        MigrationError: the folder cannot be read.
        ConnectionFailed: the database cannot be asked.
    """
    listed = list_migrations(folder)
    with reading(target, "status", attempts=CONNECT_ATTEMPTS) as conn:
        runs = read_runs(conn)
    standings = [
        _standing(folder, found.version, found.name, runs.pop(found.version, None))
        for found in listed
    ]
    return standings + [
        _of_run(run, "not in the folder") for _, run in sorted(runs.items())
    ]


def _standing(folder: Path, version: str, name: str, run: Run | None) -> Standing:
    try:
        migration = load_migration(folder, version)
    except MigrationError as error:
        broken = f"cannot be read: {error.message}"
        if run:
            return _of_run(run, broken)
        return Standing(version=version, name=name, state="pending", note=broken)
    if run is None:
        return _pending(migration)
    if not run.is_in_place:
        return _of_run(run, "can be deployed again")
    is_changed = run.checksum != migration.up.checksum
    return _of_run(run, "up.sql was changed since" if is_changed else "")


def _pending(migration: Migration) -> Standing:
    hold = migration.manifest.hold
    return Standing(
        version=migration.version,
        name=migration.name,
        state="on hold" if hold else "pending",
        note=f"{hold.reason} ({hold.owner})" if hold else "",
    )


def _of_run(run: Run, note: str) -> Standing:
    return Standing(
        version=run.version,
        name=run.name,
        state=run.state.replace("_", " "),
        since=run.state_since,
        by=run.state_by,
        note=note,
    )
