"""The application's rights: noted before a migration, and checked after it."""

from psycopg.types.json import Jsonb

from flows.database.connection import Conn, one, rows
from flows.database.queries import query
from flows.database.sessions import tables_by_oid
from flows.migration.check import Check
from flows.migration.flight import Flight
from flows.migration.folder import Migration
from flows.migration.functions import functions_named
from flows.migration.names import Signature
from flows.migration.probe import Verdict
from flows.migration.rights import Rights, columns_made, without_what_it_makes
from flows.migration.rights_asked import (
    functions_made,
    not_meant_for,
    relations_named,
    revoked_from,
    schemas_made,
)
from flows.migration.rights_check import Judge, Told


def note_rights(conn: Conn, flight: Flight) -> None:
    """Keep what the application may do, in the transaction that begins the run."""
    rights = _read(conn, flight)
    if rights:
        values = {"run_id": flight.in_place_as, "role": rights.role}
        noted = Jsonb(rights.model_dump(mode="json"))
        conn.execute(query("note_rights"), {**values, "rights": noted})


def check_rights(
    conn: Conn, flight: Flight, *, is_committed: bool = False
) -> list[Check]:
    """Whether the application may use what the migration has made; reads only.

    Nothing where the target names no role.

    Args:
        is_committed: others may have changed since what the migration only names.
    """
    role = flight.target.application_role
    if not role:
        return []
    now = _read(conn, flight)
    if now is None:
        detail = "there is no such role, so what the application may do is not known"
        verdict = Verdict.INCONCLUSIVE
        return [Check(kind="privilege", subject=role, verdict=verdict, detail=detail)]
    noted = rows(conn, "select_noted_rights", run_id=flight.in_place_as, role=role)
    expectations = flight.migration.expectations
    before = (
        Rights.model_validate(noted[0]["rights"])
        if noted
        else without_what_it_makes(now, expectations)
    )
    told = _told(conn, flight.migration, role)
    made = columns_made(expectations) if is_committed else None
    return Judge(before, now, told, made).checks()


def _read(conn: Conn, flight: Flight) -> Rights | None:
    """Of all that the migration names; None where there is no role to ask about."""
    name, migration = flight.target.application_role, flight.migration
    found = rows(conn, "select_role", role=name) if name else []
    if not found:
        return None
    role = found[0]["oid"]
    names = tables_by_oid(conn, relations_named(migration))
    relations = {"names": list(names.values()), "oids": list(names)}
    routines = {
        "names": list(functions_named(migration.up.nodes)),
        "made": list(functions_made(migration)),
    }
    schemas = {"names": list(schemas_made(migration))}
    return Rights.model_validate(
        {
            "role": name,
            "relations": rows(conn, "select_relation_rights", role=role, **relations),
            "routines": rows(conn, "select_routine_rights", role=role, **routines),
            "schemas": rows(conn, "select_schema_rights", role=role, **schemas),
        }
    )


def _told(conn: Conn, migration: Migration, role: str) -> Told:
    revoked = revoked_from(migration.up, role)
    functions = [name for name in revoked if isinstance(name, Signature)]
    for_others = not_meant_for(migration, role)
    oids = {
        *(_oid(conn, str(name), name.types is not None) for name in functions),
        *(_oid(conn, signature, True) for signature in for_others),
    }
    return Told(revoked=frozenset(map(str, revoked)), not_for_it=oids)


def _oid(conn: Conn, name: str, has_types: bool) -> object:
    """None where there is no such function."""
    return one(conn, "resolve_function", name=name, has_types=has_types)["oid"]
