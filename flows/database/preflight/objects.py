"""Preflight of the schema: what must exist does, what will exist does not yet."""

from collections.abc import Iterator

from flows.database.checks import check_structure
from flows.database.preflight.inspection import Inspection, block, ok, warning
from flows.database.preflight.privileges import closed_schemas
from flows.migration.built import built_by
from flows.migration.check import Check
from flows.migration.finding import Finding
from flows.migration.needs import makes_what_it_does_not_name, required_tables
from flows.migration.probe import Verdict

ABSENT = "does not exist"


def object_findings(inspection: Inspection) -> Iterator[Finding]:
    """Missing tables, and objects that exist with another definition."""
    up = inspection.migration.up
    missing = [name for name in required_tables(up) if name not in inspection.tables]
    if missing and makes_what_it_does_not_name(up):
        yield warning(
            "missing-table",
            f"{_do_not_exist(missing, inspection)}, unless a DO or CALL of up.sql makes"
            " them",
            "If it does not, the deployment fails and changes nothing.",
        )
    elif missing:
        yield block(
            "missing-table",
            _do_not_exist(missing, inspection),
            "Is this the right database? Then deploy the migration that creates them"
            " first.",
        )
    elif not closed_schemas(inspection.conn, inspection.tables):
        yield from _already_there(inspection)


def _do_not_exist(missing: list[str], inspection: Inspection) -> str:
    verb = "does" if len(missing) == 1 else "do"
    return (
        f"{', '.join(missing)} {verb} not exist in database"
        f" {inspection.identity.database}"
    )


def _already_there(inspection: Inspection) -> Iterator[Finding]:
    checks = check_structure(inspection.conn, built_by(inspection.migration))
    there = [check for check in checks if check.detail != ABSENT]
    different = [check for check in there if check.verdict is not Verdict.PASS]
    for check in different:
        yield _other_definition(check, inspection.migration.down is not None)
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


def _other_definition(check: Check, is_reversible: bool) -> Finding:
    message = (
        f"{check.kind} {check.subject} exists with another definition: {check.detail}"
    )
    if is_reversible:
        return block(
            "other-definition",
            message,
            "IF NOT EXISTS would keep it, OR REPLACE would overwrite it, and down.sql"
            " would drop it: rename or drop it first, or have down.sql put it back.",
        )
    return warning(
        "other-definition",
        message,
        "If up.sql does not replace it, the checks before the COMMIT fail and nothing"
        " is changed.",
    )


def _names(checks: list[Check]) -> str:
    return ", ".join(f"{check.kind} {check.subject}" for check in checks)
