"""Clearance: all findings about one deployment, gathered before it is judged."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flows.database.connection import CONNECT_ATTEMPTS, Conn, one, reading
from flows.database.ledger import Run, read_runs
from flows.database.preflight.application import application_findings
from flows.database.preflight.definers import definer_findings
from flows.database.preflight.history import history_findings, stranger_findings
from flows.database.preflight.inspection import Inspection, block, ok
from flows.database.preflight.objects import object_findings
from flows.database.preflight.privileges import privilege_findings
from flows.database.preflight.replicas import replica_findings
from flows.database.preflight.replication import replication_findings
from flows.database.preflight.server import server_findings
from flows.database.preflight.sessions import session_findings
from flows.database.preflight.size import (
    outlook_of,
    size_findings,
    strategy_finding,
)
from flows.database.sessions import existing_tables
from flows.migration.errors import BadInput, ConnectionFailed
from flows.migration.estimate import Outlook
from flows.migration.finding import Finding, Level, is_of_wrong_place
from flows.migration.flight import Identity
from flows.migration.folder import Migration, load_migration
from flows.migration.needs import known_tables
from flows.migration.strategy import Choice, Terms, choose
from flows.migration.target import Target
from flows.migration.variables import missing_variables

_BEFORE_APPLYING: tuple[Callable[[Inspection], Iterator[Finding]], ...] = (
    privilege_findings,
    application_findings,
    definer_findings,
    object_findings,
    session_findings,
    replication_findings,
    replica_findings,
    size_findings,
)


@dataclass
class Clearance:
    """What preflight knows when it is through.

    Attributes:
        run: the run that has the migration in place, or half in place, if any.
        outlook: the sizes that the choice is made by, if they could be read.
        choice: which strategy, once the database could be asked.
        findings: in the order they were made; all of them, not the first.
    """

    migration: Migration | None = None
    target: Target | None = None
    identity: Identity | None = None
    run: Run | None = None
    outlook: Outlook | None = None
    choice: Choice | None = None
    findings: list[Finding] = field(default_factory=list)

    @property
    def blocking(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.level is Level.BLOCK]

    @property
    def is_wrong_place(self) -> bool:
        """What is asked next would be answered by the wrong server, or not at all."""
        return is_of_wrong_place(self.findings)


def clear(
    folder: Path, wanted: str, find_target: Callable[[], Target], terms: Terms
) -> Clearance:
    """Look at the migration's files, the target and the database.

    Raises:
        ConnectionFailed: the connection was lost in mid-inspection.
        QueryFailed: the database refused one of preflight's questions.
    """
    clearance = Clearance()
    clearance.findings += _read_target(clearance, find_target)
    clearance.findings += _read_migration(clearance, folder, wanted)
    if clearance.target and clearance.migration:
        clearance.findings += _smoke(clearance.migration, clearance.target)
    if clearance.target:
        clearance.findings += _inspect(clearance, clearance.target, terms)
    return clearance


def locate(folder: Path, wanted: str, find_target: Callable[[], Target]) -> Clearance:
    """Find what a rollback needs: files, target, and the run that is in place.

    A hold, a lack of rights or a long transaction must not keep a bad migration in
    place, so none of that is asked; but whether the files are that migration's is.
    """
    clearance = Clearance()
    clearance.findings += _read_target(clearance, find_target)
    clearance.findings += _read_migration(clearance, folder, wanted, is_going_back=True)
    clearance.findings = [f for f in clearance.findings if f.rule != "hold"]
    if clearance.target and clearance.migration:
        with reading(clearance.target, "find run", attempts=CONNECT_ATTEMPTS) as conn:
            facts = one(conn, "select_identity")
            clearance.findings += server_findings(conn, clearance.target, facts)
            clearance.identity = _identity(facts)
            run = read_runs(conn).get(clearance.migration.version)
            clearance.run = run if run and run.is_in_place else None
            if clearance.run:
                clearance.findings += stranger_findings(
                    clearance.run, clearance.migration
                )
    return clearance


def _read_target(
    clearance: Clearance, find_target: Callable[[], Target]
) -> Iterator[Finding]:
    try:
        clearance.target = find_target()
    except BadInput as error:
        yield block("target", error.message, error.help)
    else:
        yield ok("target", f"{clearance.target.source} configured")


def _read_migration(
    clearance: Clearance, folder: Path, wanted: str, *, is_going_back: bool = False
) -> Iterator[Finding]:
    try:
        migration = load_migration(folder, wanted, is_going_back=is_going_back)
    except BadInput as error:
        yield block("migration", error.message, error.help)
        return
    clearance.migration = migration
    yield ok(
        "migration",
        f"Migration file loaded: {migration.up.path.name} of"
        f" {migration.version}_{migration.name},"
        f" {len(migration.up.statements)} statements",
    )
    hold = migration.manifest.hold
    if hold:
        yield block(
            "hold",
            f"Migration {migration.version} is on hold: {hold.reason}",
            f"{hold.owner} lifts it by removing [hold] from migration.toml.",
        )


def _smoke(migration: Migration, target: Target) -> Iterator[Finding]:
    smoke = migration.manifest.smoke
    if smoke is None:
        return
    try:
        missing = missing_variables(smoke, target.plain_values)
    except BadInput as error:
        yield block("smoke", error.message, error.help)
        return
    names = sorted({name for _, name in missing})
    if names:
        yield block(
            "smoke",
            f"The smoke test needs {', '.join(names)}, not set in the target"
            f" (migration.toml: smoke.{missing[0][0]})",
            "Set them: the endpoint and the values that the probes send.",
        )


def _inspect(clearance: Clearance, target: Target, terms: Terms) -> list[Finding]:
    """Everything that is asked of the database, in one connection."""
    found: list[Finding] = []
    try:
        with reading(target, "preflight", attempts=CONNECT_ATTEMPTS) as conn:
            facts = one(conn, "select_identity")
            found += server_findings(conn, target, facts)
            clearance.identity = _identity(facts)
            if clearance.migration and not is_of_wrong_place(found):
                found += _inspect_migration(clearance, conn, facts, terms)
    except ConnectionFailed as error:
        if clearance.identity:
            raise
        found.append(block("connection", error.message, error.help))
    return found


def _inspect_migration(
    clearance: Clearance, conn: Conn, facts: dict[str, Any], terms: Terms
) -> list[Finding]:
    assert clearance.migration and clearance.target and clearance.identity
    migration = clearance.migration
    is_readable = one(conn, "may_keep_ledger")["readable"]
    inspection = Inspection(
        conn=conn,
        target=clearance.target,
        migration=migration,
        identity=clearance.identity,
        budget_ms=terms.budget_ms or migration.manifest.budget_ms,
        runs=read_runs(conn) if is_readable else {},
        tables=existing_tables(conn, known_tables(migration.up)),
        sees_sessions=facts["sees_sessions"],
    )
    # A ledger that may not be read is no empty one: its own finding blocks.
    found = list(history_findings(inspection)) if is_readable else []
    run = inspection.runs.get(migration.version)
    if run and run.is_in_place:
        clearance.run = run
        return found
    for area in _BEFORE_APPLYING:
        found += area(inspection)
    clearance.outlook = outlook_of(inspection)
    clearance.choice = choose(
        terms.strategy, migration.up, inspection.budget_ms, clearance.outlook
    )
    found.append(strategy_finding(clearance.choice))
    return found


def _identity(facts: dict[str, Any]) -> Identity:
    return Identity(
        version_num=facts["version_num"],
        database=facts["database"],
        system_identifier=facts["system_identifier"],
        timeline=facts["timeline"],
        role=facts["role"],
        deadlock_timeout_ms=facts["deadlock_timeout_ms"],
    )
