"""Preflight of the schema: what must exist does, what will exist does not yet."""

from collections.abc import Iterator

from flows.database.checks import check_structure
from flows.database.preflight.inspection import Inspection, block, ok, warning
from flows.database.sessions import table_oids
from flows.migration.check import Check
from flows.migration.expectation import Expectations
from flows.migration.finding import Finding
from flows.migration.locks import tables_of
from flows.migration.probe import Verdict

ABSENT = "does not exist"


def object_findings(inspection: Inspection) -> Iterator[Finding]:
    """Missing tables, and objects that exist with another definition."""
    missing = [
        table
        for table in tables_of(inspection.migration.up)
        if not table_oids(inspection.conn, [table])
    ]
    if missing:
        yield block(
            "missing-table",
            f"{', '.join(missing)} {'does' if len(missing) == 1 else 'do'} not exist in"
            f" database {inspection.identity.database}",
            "Is this the right database? Then deploy the migration that creates them.",
        )
        return
    yield from _already_there(inspection)


def _already_there(inspection: Inspection) -> Iterator[Finding]:
    checks = check_structure(inspection.conn, _created(inspection))
    there = [check for check in checks if check.detail != ABSENT]
    different = [check for check in there if check.verdict is not Verdict.PASS]
    for check in different:
        yield block(
            "other-definition",
            f"{check.kind} {check.subject} exists with another definition:"
            f" {check.detail}",
            "IF NOT EXISTS would keep it, and a rollback would not bring it back:"
            " rename or drop it, or change the migration.",
        )
    same = [check for check in there if check not in different]
    if same:
        yield warning(
            "already-there",
            f"Already there as expected, but not in the ledger: {_names(same)}",
            "It looks as if the migration was run by hand. A rollback would drop these"
            " objects; deploy only if that is what you want.",
        )
    elif not different:
        yield ok("objects", "Nothing stands where the migration will build")


def _names(checks: list[Check]) -> str:
    return ", ".join(f"{check.kind} {check.subject}" for check in checks)


def _created(inspection: Inspection) -> Expectations:
    """What up.sql makes; what it only removes may of course be there."""
    expectations = inspection.migration.expectations
    created = tuple(found for found in expectations.objects if found.present)
    return expectations.model_copy(update={"objects": created})
