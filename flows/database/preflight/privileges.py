"""Preflight of rights: everything that up.sql will be refused for, known before."""

from collections.abc import Iterator

from flows.database.connection import one, rows
from flows.database.preflight.inspection import Inspection, block, ok
from flows.database.sessions import table_oids
from flows.migration.finding import Finding
from flows.migration.needs import owned_tables


def privilege_findings(inspection: Inspection) -> Iterator[Finding]:
    """Ownership, CREATE, REFERENCES, and a place for the ledger."""
    problems = [
        *_ownership(inspection),
        *_create(inspection),
        *_references(inspection),
        *_ledger(inspection),
    ]
    yield from problems
    if not problems:
        yield ok("privileges", f"{inspection.identity.role} may do all that is needed")


def _ownership(inspection: Inspection) -> Iterator[Finding]:
    oids = table_oids(inspection.conn, owned_tables(inspection.migration.up))
    for table in rows(inspection.conn, "select_table_facts", tables=oids):
        if not table["is_owner"]:
            yield block(
                "owner",
                f"{inspection.identity.role} must be owner of {table['table']}, which"
                f" belongs to {table['owner']}",
                f"Deploy as {table['owner']}, or: GRANT {table['owner']} TO"
                f" {inspection.identity.role}",
            )


def _create(inspection: Inspection) -> Iterator[Finding]:
    expectations = inspection.migration.expectations
    objects = [
        *(function.signature for function in expectations.functions),
        *(index.name for index in expectations.indexes),
    ]
    refused = {
        row["schema"]
        for name in objects
        for row in rows(inspection.conn, "may_create_in", object=name)
        if not row["allowed"]
    }
    for schema in sorted(refused):
        yield block(
            "create",
            f"{inspection.identity.role} may not create objects in schema {schema}",
            f"GRANT CREATE ON SCHEMA {schema} TO {inspection.identity.role}",
        )


def _references(inspection: Inspection) -> Iterator[Finding]:
    wanted = {key.references for key in inspection.migration.expectations.foreign_keys}
    for table in sorted(wanted.intersection(inspection.tables)):
        if not one(inspection.conn, "may_reference", table=table)["allowed"]:
            yield block(
                "references",
                f"{inspection.identity.role} may not reference {table}",
                f"GRANT REFERENCES ON {table} TO {inspection.identity.role}",
            )


def _ledger(inspection: Inspection) -> Iterator[Finding]:
    ledger = one(inspection.conn, "may_keep_ledger")
    if ledger["allowed"]:
        return
    role, database = inspection.identity.role, inspection.identity.database
    if ledger["found"]:
        yield block(
            "ledger",
            f"{role} may not write to the ledger (schema pgflight)",
            "Deploy as the role that owns schema pgflight, or grant that role.",
        )
    else:
        yield block(
            "ledger",
            f"{role} may not create the ledger (schema pgflight) in {database}",
            f"GRANT CREATE ON DATABASE {database} TO {role}",
        )
