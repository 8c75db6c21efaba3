"""What a script needs of the tables that it works on: existence, ownership, locks."""

from collections.abc import Iterable, Iterator

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from flows.migration.locking import locked_by
from flows.migration.locks import locks_of, tables_of
from flows.migration.names import identifier, in_schema_of, relation
from flows.migration.script import Script
from flows.migration.settings import moves_search_path

_OWNERS_ONLY = {
    "alter_table_stmt": "relation",
    "index_stmt": "relation",
    "rename_stmt": "relation",
    "create_policy_stmt": "table",
    "alter_policy_stmt": "table",
    "rule_stmt": "relation",
}
"""Statements that only a table's owner may run, and the field that names the table."""

# Documentation, table 13.2 Conflicting Lock Modes: a mode, and what it shuts out.
_AE, _E, _SRE = "ACCESS EXCLUSIVE", "EXCLUSIVE", "SHARE ROW EXCLUSIVE"
_S, _SUE, _RE = "SHARE", "SHARE UPDATE EXCLUSIVE", "ROW EXCLUSIVE"
_CONFLICTS = {
    "ACCESS SHARE": {_AE},
    "ROW SHARE": {_AE, _E},
    _RE: {_AE, _E, _SRE, _S},
    _SUE: {_AE, _E, _SRE, _S, _SUE},
    _S: {_AE, _E, _SRE, _SUE, _RE},
    _SRE: {_AE, _E, _SRE, _S, _SUE, _RE},
    _E: {_AE, _E, _SRE, _S, _SUE, _RE, "ROW SHARE"},
    _AE: {_AE, _E, _SRE, _S, _SUE, _RE, "ROW SHARE", "ACCESS SHARE"},
}


def known_tables(script: Script) -> tuple[str, ...]:
    """The tables and views that a script names, as far as their names tell which.

    Where the script moves the search_path, an unqualified name tells nothing.
    """
    names = tables_of(script)
    if moves_search_path(script):
        return tuple(name for name in names if "." in name)
    return names


def required_tables(script: Script) -> tuple[str, ...]:
    """Those that must exist before: not named with IF EXISTS, nor made by a move."""
    optional = {
        name for statement in script.statements for name in _optional(statement.node)
    }
    return tuple(name for name in known_tables(script) if name not in optional)


def makes_what_it_does_not_name(script: Script) -> bool:
    """Whether code that is not looked into may create tables: DO and CALL."""
    return any(
        isinstance(statement.node, pb.DoStmt | pb.CallStmt)
        for statement in script.statements
    )


def owned_tables(script: Script) -> tuple[str, ...]:
    """Tables that whoever runs the script must own."""
    return _named(script, _OWNERS_ONLY)


def must_wait(script: Script, table: str, held: Iterable[str]) -> bool:
    """Whether a script waits for a session that holds these lock modes on a table."""
    wanted = {
        lock.mode
        for statement in script.statements
        for lock in locks_of(statement)
        if lock.table == table
    }
    return any(not wanted.isdisjoint(_CONFLICTS[mode]) for mode in held)


def _named(script: Script, fields: dict[str, str]) -> tuple[str, ...]:
    found = (
        relation(getattr(statement.node, fields[statement.kind]))
        for statement in script.statements
        if statement.kind in fields
    )
    known = known_tables(script)
    return tuple(dict.fromkeys(name for name in found if name in known))


def _optional(node: Message) -> Iterator[str]:
    match node:
        case pb.DropStmt() | pb.AlterTableStmt() if node.missing_ok:
            yield from (table for table, _ in locked_by(node))
        case pb.RenameStmt():
            if node.missing_ok:
                yield relation(node.relation)
            yield in_schema_of(node.relation, node.newname)
        case pb.AlterObjectSchemaStmt():
            if node.missing_ok:
                yield relation(node.relation)
            yield f"{identifier(node.newschema)}.{identifier(node.relation.relname)}"
