"""Functions that a migration replaces: noted as they were, and put back."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from flows.database.connection import Conn, one, rows
from flows.database.queries import query
from flows.migration.names import Signature

_MADE_ANEW = ("42P13", "42809")
"""The server cannot turn the function into the earlier one: another result type or
kind."""


@dataclass(frozen=True)
class Function:
    """A function or procedure with all that a rollback must bring back.

    Attributes:
        signature: qualified, as SQL writes it; it holds whatever the search_path is.
        grants: pairs of role (empty for PUBLIC) and whether it may grant that on.
    """

    signature: str
    definition: str
    owner: str
    grants: list[list[object]]
    comment: str | None

    @property
    def identity(self) -> str:
        """As the fingerprint has it."""
        return f"function {self.signature}"

    @property
    def name(self) -> sql.SQL:
        return sql.SQL(self.signature)


def note_functions(conn: Conn, run_id: UUID, names: Sequence[str]) -> None:
    """Keep what a migration may replace, in the transaction that does so."""
    if not names:
        return
    for found in _select(conn, names=names):
        conn.execute(
            query("note_function"),
            {
                "run_id": run_id,
                "signature": found.signature,
                "definition": found.definition,
                "owner": found.owner,
                "grants": Jsonb(found.grants),
                "comment": found.comment,
            },
        )


def read_noted(conn: Conn, run_id: UUID) -> list[Function]:
    """The functions that were there before a run, of those that it names."""
    found = rows(conn, "select_replaced_functions", run_id=run_id)
    return [Function(**row) for row in found]


def resolve(conn: Conn, name: Signature) -> str | None:
    """A function that a DROP names, by its qualified signature; None if not there."""
    values = {"name": str(name), "has_types": name.types is not None}
    oid = one(conn, "resolve_function", **values)["oid"]
    found = _select(conn, oids=[oid]) if oid else []
    return found[0].signature if found else None


def put_back(conn: Conn, wanted: Function) -> bool:
    """Bring definition, owner, rights and comment back; False if nothing differs.

    Replaced where that is possible, so that whatever depends on it stays.

    Raises:
        psycopg.Error: the server refuses it.
    """
    found = _now(conn, wanted)
    if found == wanted:
        return False
    if found is None or found.definition != wanted.definition:
        _define(conn, wanted)
        found = _now(conn, wanted)
        assert found
    if found.owner != wanted.owner:
        owner = sql.Identifier(wanted.owner)
        statement = sql.SQL("ALTER ROUTINE {} OWNER TO {}")
        conn.execute(statement.format(wanted.name, owner))
        found = _now(conn, wanted)
        assert found
    _grant(conn, wanted, found)
    if found.comment != wanted.comment:
        text = sql.Literal(wanted.comment)
        conn.execute(sql.SQL("COMMENT ON ROUTINE {} IS {}").format(wanted.name, text))
    return True


def _define(conn: Conn, wanted: Function) -> None:
    before = one(conn, "believe_bodies")["before"]
    try:
        with conn.transaction():
            conn.execute(wanted.definition.encode())
    except psycopg.Error as error:
        if error.sqlstate not in _MADE_ANEW:
            raise
        conn.execute(sql.SQL("DROP ROUTINE {} RESTRICT").format(wanted.name))
        conn.execute(wanted.definition.encode())
    value = {"name": "check_function_bodies", "value": before}
    conn.execute(query("set_local"), value)


def _grant(conn: Conn, wanted: Function, found: Function) -> None:
    """All anew where anything differs: their order counts for pg_dump."""
    if found.grants == wanted.grants:
        return
    for role in dict.fromkeys(role for role, _ in found.grants):
        statement = sql.SQL("REVOKE ALL ON ROUTINE {} FROM {}")
        conn.execute(statement.format(wanted.name, _role(role)))
    for role, may_grant in wanted.grants:
        statement = sql.SQL("GRANT EXECUTE ON ROUTINE {} TO {}{}")
        option = sql.SQL(" WITH GRANT OPTION" if may_grant else "")
        conn.execute(statement.format(wanted.name, _role(role), option))


def _role(name: object) -> sql.Composable:
    return sql.Identifier(str(name)) if name else sql.SQL("PUBLIC")


def _now(conn: Conn, wanted: Function) -> Function | None:
    values = {"name": wanted.signature, "has_types": True}
    oid = one(conn, "resolve_function", **values)["oid"]
    return _select(conn, oids=[oid])[0] if oid else None


def _select(
    conn: Conn, names: Sequence[str] = (), oids: Sequence[int] = ()
) -> list[Function]:
    with conn.transaction(force_rollback=True):
        # So that all names in it are qualified.
        conn.execute(query("pin_names"))
        found = rows(conn, "select_functions", names=list(names), oids=list(oids))
    return [Function(**row) for row in found]
