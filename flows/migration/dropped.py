"""What a down.sql drops, by name: whatever depends on it is in the way."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from flows.migration.functions import functions_dropped
from flows.migration.names import Signature, inner, object_name, relation

Kind = Literal["relation", "column", "constraint", "function", "type", "schema"]

_KINDS: dict[int, Kind] = {
    pb.OBJECT_TABLE: "relation",
    pb.OBJECT_FOREIGN_TABLE: "relation",
    pb.OBJECT_VIEW: "relation",
    pb.OBJECT_MATVIEW: "relation",
    pb.OBJECT_SEQUENCE: "relation",
    pb.OBJECT_INDEX: "relation",
    pb.OBJECT_TYPE: "type",
    pb.OBJECT_DOMAIN: "type",
    pb.OBJECT_SCHEMA: "schema",
}
_PARTS: dict[int, Kind] = {
    pb.AT_DropColumn: "column",
    pb.AT_DropConstraint: "constraint",
}


@dataclass(frozen=True)
class Dropped:
    """One object.

    Attributes:
        name: as SQL writes it; of a column or constraint its table's.
        part: the column's or constraint's own name, without quotes.
        word: what a function's body would call it.
        signature: of a function.
    """

    kind: Kind
    name: str
    part: str = ""
    word: str = ""
    signature: Signature | None = None


def dropped(nodes: Iterable[Message]) -> tuple[Dropped, ...]:
    """Everything that is dropped, each once."""
    return tuple(dict.fromkeys(item for node in nodes for item in _dropped(node)))


def _dropped(node: Message) -> Iterator[Dropped]:
    for function in functions_dropped(node):
        word = _last(function.name)
        yield Dropped("function", str(function), word=word, signature=function)
    match node:
        case pb.DropStmt() if node.remove_type in _KINDS:
            kind = _KINDS[node.remove_type]
            for item in node.objects:
                word = _last_of(item) if kind == "relation" else ""
                yield Dropped(kind, object_name(item), word=word)
        case pb.AlterTableStmt():
            for command in node.cmds:
                item = command.alter_table_cmd
                if item.subtype in _PARTS:
                    kind = _PARTS[item.subtype]
                    word = item.name if kind == "column" else ""
                    yield Dropped(kind, relation(node.relation), item.name, word)


def _last_of(item: pb.Node) -> str:
    names = inner(item)
    assert isinstance(names, pb.List)
    return str(names.items[-1].string.sval)


def _last(name: str) -> str:
    """Of a qualified name; a quoted one is searched for as it is written."""
    return name.rpartition(".")[2].strip('"')
