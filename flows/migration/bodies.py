"""The SQL inside of DO blocks and function bodies.

libpg_query's own PL/pgSQL parser knows no types but the built-in ones and no DO, so
statements are found by its scanner: what begins one, where PL/pgSQL lets one begin,
up to the semicolon. SQL that is put together at run time (EXECUTE) is not seen.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import postgast
from google.protobuf.message import DecodeError, Message
from postgast import pg_query_pb2 as pb

from flows.migration.names import inner
from flows.migration.nesting import overlong_chain
from flows.migration.script import Statement

_BEGINNING = frozenset(
    {"alter", "copy", "create", "delete", "do", "drop", "explain", "grant", "insert"}
    | {"merge", "reassign", "reset", "select", "set", "truncate", "update", "with"}
)
_BEFORE = frozenset(
    {"", ";", "begin", "then", "else", "loop", "in", "for", "query", ">>", "declare"}
)
_COMMENTS = frozenset({pb.SQL_COMMENT, pb.C_COMMENT})
_MOST_NESTED = 8


@dataclass(frozen=True)
class Part:
    """A statement of a script, or one inside of it.

    Attributes:
        where: file, line and column, of the outermost statement if need be.
    """

    node: Message
    statement: Statement
    where: str


def parts_of(statement: Statement) -> Iterator[Part]:
    """The statement itself, then every one that stands in its code."""
    yield Part(statement.node, statement, statement.where)
    for node, offset in _inside(statement.node, statement.text, 0):
        where = statement.where if offset is None else statement.where_at(offset + 1)
        yield Part(node, statement, where)


def _inside(
    node: Message, text: str, depth: int
) -> Iterator[tuple[Message, int | None]]:
    """Nodes with their offsets in the text; None where the code is written escaped."""
    code = _code_of(node)
    if code is None or depth == _MOST_NESTED:
        return
    language, body = code
    start = text.find(body)
    for found, offset, piece in _statements(language, body):
        at = None if start < 0 else start + offset
        yield found, at
        for deeper, within in _inside(found, piece, depth + 1):
            yield deeper, None if at is None or within is None else at + within


def _code_of(node: Message) -> tuple[str, str] | None:
    """Language and text of a body, where it is SQL or PL/pgSQL."""
    match node:
        case pb.DoStmt():
            options = {item.def_elem.defname: item.def_elem.arg for item in node.args}
            body = options["as"].string.sval if "as" in options else ""
        case pb.CreateFunctionStmt():
            options = {i.def_elem.defname: i.def_elem.arg for i in node.options}
            items = options["as"].list.items if "as" in options else ()
            body = items[0].string.sval if items else ""
        case _:
            return None
    default = "plpgsql" if isinstance(node, pb.DoStmt) else "sql"
    language = options["language"].string.sval if "language" in options else default
    if not body or language.lower() not in ("sql", "plpgsql"):
        return None
    return language.lower(), body


def _statements(language: str, body: str) -> Iterator[tuple[Message, int, str]]:
    if language == "sql":
        yield from _parsed(body, 0)
        return
    try:
        tokens = [t for t in postgast.scan(body).tokens if t.token not in _COMMENTS]
    except postgast.PgQueryError:
        return
    data = body.encode()
    for low, high in _spans(tokens, data):
        before = len(data[:low].decode())
        yield from _parsed(data[low:high].decode(), before)


def _spans(tokens: Sequence[pb.ScanToken], data: bytes) -> Iterator[tuple[int, int]]:
    """Where a statement may stand in PL/pgSQL: byte offsets of its first and last."""
    words = [data[token.start : token.end].decode().lower() for token in tokens]
    for number, word in enumerate(words):
        if word in _BEGINNING and (words[number - 1] if number else "") in _BEFORE:
            yield tokens[number].start, _end(tokens, words, number)


def _end(tokens: Sequence[pb.ScanToken], words: Sequence[str], first: int) -> int:
    """Its end: the semicolon, LOOP of a FOR, or an INTO after RETURNING."""
    depth, is_returning = 0, False
    for number in range(first, len(tokens)):
        word = words[number]
        depth += (word == "(") - (word == ")")
        is_returning |= word == "returning"
        if depth == 0 and (word in (";", "loop") or (word == "into" and is_returning)):
            return int(tokens[number].start)
    return int(tokens[-1].end)


def _parsed(text: str, offset: int) -> Iterator[tuple[Message, int, str]]:
    """Nothing where it is no SQL after all: the server will say so."""
    try:
        if overlong_chain(text) is not None:
            return
        found = list(postgast.parse(text).stmts)
    except (postgast.PgQueryError, DecodeError):
        return
    data = text.encode()
    for raw in found:
        low = raw.stmt_location
        high = low + raw.stmt_len if raw.stmt_len else len(data)
        before = len(data[:low].decode())
        yield inner(raw.stmt), offset + before, data[low:high].decode()
