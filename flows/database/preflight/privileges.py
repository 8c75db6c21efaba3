"""Preflight of rights: everything that up.sql will be refused for, known before."""

from collections.abc import Iterator

from flows.database.connection import Conn, one, rows
from flows.database.preflight.inspection import Inspection, block, ok
from flows.database.sessions import table_oids
from flows.migration.expectation import Expectations
from flows.migration.finding import Finding
from flows.migration.names import identifier
from flows.migration.needs import owned_tables

_IN_SCHEMAS = {"table", "view", "sequence", "type", "function"}


def privilege_findings(inspection: Inspection) -> Iterator[Finding]:
    """Ownership, USAGE, CREATE, REFERENCES, and a place for the ledger."""
    problems = [
        *_ownership(inspection),
        *_usage(inspection),
        *_create(inspection),
        *_references(inspection),
        *_ledger(inspection),
    ]
    yield from problems
    if not problems:
        yield ok("privileges", f"{inspection.identity.role} may do all that is needed")


def closed_schemas(conn: Conn, tables: tuple[str, ...]) -> list[str]:
    """Schemas of these tables that the role may not even look into."""
    oids = table_oids(conn, tables)
    return [row["schema"] for row in rows(conn, "select_closed_schemas", tables=oids)]


def _ownership(inspection: Inspection) -> Iterator[Finding]:
    role = inspection.identity.role
    oids = table_oids(inspection.conn, owned_tables(inspection.migration.up))
    for table in rows(inspection.conn, "select_owners", tables=oids):
        owner = table["owner"]
        if table["is_owner"]:
            continue
        if table["is_member"]:
            help = (
                f"{role} is a member of {owner}, but does not inherit its rights:"
                f" deploy as {owner}, or let {role} inherit (ALTER ROLE … INHERIT; from"
                f" PostgreSQL 16 GRANT {owner} TO {identifier(role)} WITH INHERIT TRUE)"
            )
        else:
            help = f"Deploy as {owner}, or: GRANT {owner} TO {identifier(role)}"
        yield block(
            "owner",
            f"{role} must be owner of {table['table']}, which belongs to {owner}",
            help,
        )


def _usage(inspection: Inspection) -> Iterator[Finding]:
    role = inspection.identity.role
    for schema in closed_schemas(inspection.conn, inspection.tables):
        yield block(
            "usage",
            f"{role} may not use schema {schema}; what exists in it is not known",
            f"GRANT USAGE ON SCHEMA {schema} TO {identifier(role)}",
        )


def _create(inspection: Inspection) -> Iterator[Finding]:
    role = inspection.identity.role
    refused = {
        row["schema"]
        for name in _created_names(inspection.migration.expectations)
        for row in rows(inspection.conn, "may_create_in", object=name)
        if not row["allowed"]
    }
    for schema in sorted(refused):
        yield block(
            "create",
            f"{role} may not create objects in schema {schema}",
            f"GRANT CREATE ON SCHEMA {schema} TO {identifier(role)}",
        )


def _created_names(expectations: Expectations) -> Iterator[str]:
    yield from (function.signature for function in expectations.functions)
    yield from (index.name for index in expectations.indexes)
    for item in expectations.objects:
        if item.present and item.kind in _IN_SCHEMAS:
            yield item.name


def _references(inspection: Inspection) -> Iterator[Finding]:
    role = inspection.identity.role
    keys = inspection.migration.expectations.foreign_keys
    wanted = {key.references for key in keys}.intersection(inspection.tables)
    oids = table_oids(inspection.conn, wanted)
    for row in rows(inspection.conn, "select_not_referenceable", tables=oids):
        yield block(
            "references",
            f"{role} may not make a foreign key to {row['table']}",
            f"GRANT REFERENCES ON {row['table']} TO {identifier(role)}",
        )


def _ledger(inspection: Inspection) -> Iterator[Finding]:
    ledger = one(inspection.conn, "may_keep_ledger")
    if ledger["writable"]:
        return
    role, database = inspection.identity.role, inspection.identity.database
    if ledger["found"]:
        yield block(
            "ledger",
            f"{role} may not read and write the ledger (schema pgflight)",
            f"Deploy as the role that owns schema pgflight, or: GRANT USAGE ON SCHEMA"
            f" pgflight TO {identifier(role)}; GRANT SELECT, INSERT, UPDATE ON ALL"
            f" TABLES IN SCHEMA pgflight TO {identifier(role)}",
        )
    else:
        yield block(
            "ledger",
            f"{role} may not create the ledger (schema pgflight) in {database}",
            f"GRANT CREATE ON DATABASE {identifier(database)} TO {identifier(role)}",
        )
