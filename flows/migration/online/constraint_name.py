"""The name that PostgreSQL gives to a constraint that has none."""

from collections.abc import Sequence

import postgast
from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from flows.migration.online.refused import Refused

LONGEST_NAME = 63
"""Bytes of a name (NAMEDATALEN - 1); makeObjectName() in indexcmds.c shortens."""


def constraint_name(table: pb.RangeVar, node: pb.Constraint) -> str:
    """The constraint's name, written or to be given by PostgreSQL.

    The server takes another one (``…_key1``) where that is taken.

    Raises:
        Refused: it would be shortened.
    """
    written = str(node.conname or node.indexname)
    return written or _given(table, *_columns_and_suffix(node))


def _columns_and_suffix(node: pb.Constraint) -> tuple[Sequence[str], str]:
    match node.contype:
        case pb.CONSTR_FOREIGN:
            return [item.string.sval for item in node.fk_attrs], "fkey"
        case pb.CONSTR_UNIQUE:
            keys = [*node.keys, *node.including]
            return [item.string.sval for item in keys], "key"
        case pb.CONSTR_PRIMARY:
            return [], "pkey"
    columns = referenced_columns(node.raw_expr)
    return (sorted(columns) if len(columns) == 1 else []), "check"


def _given(table: pb.RangeVar, columns: Sequence[str], suffix: str) -> str:
    name = "_".join([table.relname, *columns, suffix])
    if len(name.encode()) > LONGEST_NAME:
        raise Refused(
            f"the constraint has no name, and {name} is too long for one",
            "Name the constraint: ADD CONSTRAINT <name> …",
        )
    return name


def referenced_columns(expression: Message) -> set[str]:
    """Last names of all column references."""
    return {
        part.fields[-1].string.sval
        for _, part in postgast.walk(expression)
        if isinstance(part, pb.ColumnRef)
    }
