"""Preflight of the ledger: what was deployed here, and what this one needs."""

from collections.abc import Iterator

from flows.database.ledger import Run
from flows.database.preflight.inspection import Inspection, block, ok
from flows.migration.command import command
from flows.migration.finding import Finding
from flows.migration.folder import Migration


def history_findings(inspection: Inspection) -> Iterator[Finding]:
    """Applied or not, unchanged since, requires, conflicts."""
    migration, runs = inspection.migration, inspection.runs
    run = runs.get(migration.version)
    if run and run.is_in_place:
        yield from _applied(inspection, run)
        return
    yield ok("not-applied", "Migration not yet applied, proceeding...")
    for version in migration.manifest.requires:
        if _is_unfinished(runs, version):
            yield block(
                "requires",
                f"Migration {migration.version} requires {version}, whose deployment"
                " is unfinished here",
                f"Deploy {version} first: it goes on from where it was.",
            )
        elif not _in_place(runs, version):
            yield block(
                "requires",
                f"Migration {migration.version} requires {version}, which is not"
                " applied here",
                f"Deploy {version} first.",
            )
    for version in migration.manifest.conflicts:
        if _in_place(runs, version):
            take_back = command("rollback", version, inspection.target.name)
            yield block(
                "conflicts",
                f"Migration {migration.version} conflicts with {version}, which is"
                " applied here",
                f"Roll {version} back first: {take_back}",
            )


def _applied(inspection: Inspection, run: Run) -> Iterator[Finding]:
    changed = list(_changed_since(run, inspection.migration))
    yield from changed
    if changed:
        return
    when = _when(run)
    if run.state == "applying":
        yield ok("unfinished", f"A run that began on {when} is unfinished: it goes on")
    else:
        yield ok(
            "applied", f"Migration already applied on {when}; nothing will be sent"
        )


def stranger_findings(run: Run, migration: Migration) -> Iterator[Finding]:
    """Whether the files are those of the run: only its own down.sql takes it back.

    That down.sql may have been corrected since; up.sql says whose it is.
    """
    if run.name != migration.name:
        applied = f"{run.version}_{run.name}"
        yield block(
            "other-migration",
            f"{migration.path} is another migration than {applied}, which is in place"
            f" here since {_when(run)}",
            f"Use a checkout that has {applied}; this one needs a number of its own.",
        )
    else:
        yield from _changed_since(run, migration)


def _changed_since(run: Run, migration: Migration) -> Iterator[Finding]:
    if run.checksum != migration.up.checksum:
        yield block(
            "checksum",
            f"{migration.up.path} was changed since it was applied, on {_when(run)}",
            "Put the applied version back (git log), and write a new migration for"
            " the change.",
        )


def _when(run: Run) -> str:
    return f"{run.applied_at:%Y-%m-%d %H:%M:%S %Z} by {run.applied_by}"


def _in_place(runs: dict[str, Run], version: str) -> bool:
    run = runs.get(version)
    return run is not None and run.is_in_place


def _is_unfinished(runs: dict[str, Run], version: str) -> bool:
    run = runs.get(version)
    return run is not None and run.state == "applying"
