"""A script: the statements of one SQL file, as PostgreSQL's own parser sees them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import postgast
from google.protobuf.message import DecodeError, Message
from postgast import pg_query_pb2 as pb

from flows.migration.errors import MigrationError
from flows.migration.names import inner
from flows.migration.nesting import overlong_chain
from flows.migration.source import Source, read_source
from flows.migration.summary import summarize

MOST_QUOTED = 200
_OPENING = {pb.TRANS_STMT_BEGIN, pb.TRANS_STMT_START}


@dataclass(frozen=True)
class Statement:
    """One statement of a file.

    Attributes:
        text: exactly as in the file, without the semicolon.
        line: of its first token, 1-based; comments before it are left out.
        column: of its first token, 1-based, in characters.
        node: its syntax tree.
        kind: what libpg_query calls it, e.g. ``alter_table_stmt``.
    """

    text: str
    path: Path
    line: int
    column: int
    node: Message = field(repr=False, hash=False)
    kind: str

    @property
    def where(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"

    @property
    def summary(self) -> str:
        """One line without values, e.g. ``CREATE FUNCTION platform.f(uuid)``."""
        return summarize(self.node)

    def where_at(self, position: int) -> str:
        """The place in the file of a character of the text.

        Args:
            position: 1-based, as in an error message's statement position.
        """
        before = self.text[: position - 1]
        line = self.line + before.count("\n")
        if "\n" in before:
            return f"{self.path}:{line}:{len(before) - before.rfind(chr(10))}"
        return f"{self.path}:{line}:{self.column + len(before)}"


@dataclass(frozen=True)
class Script:
    """One SQL file.

    Attributes:
        text: the whole file, without a byte order mark.
        checksum: SHA-256 of the file's bytes, in hexadecimal.
        stripped: an outer BEGIN … COMMIT is not among the statements any more.
    """

    path: Path
    text: str = field(repr=False)
    checksum: str
    statements: tuple[Statement, ...]
    stripped: bool

    @property
    def nodes(self) -> list[Message]:
        """The statements' syntax trees."""
        return [statement.node for statement in self.statements]


def read_script(path: Path) -> Script:
    """Read and parse a SQL file.

    Raises:
        MigrationError: it cannot be read or parsed, or holds no statement.
    """
    source = read_source(path)
    statements = tuple(_statements(source, _parse(source)))
    bare = _without_outer_transaction(statements)
    if not bare:
        raise MigrationError(
            f"{path}:1:1: no SQL statement",
            "Write one; a file other than up.sql may also be deleted.",
        )
    return Script(
        path, source.text, source.checksum, tuple(bare), len(bare) < len(statements)
    )


def _parse(source: Source) -> Sequence[pb.RawStmt]:
    try:
        too_deep = overlong_chain(source.text)
        if too_deep is not None:
            raise _too_deep(source, too_deep)
        return list(postgast.parse(source.text).stmts)
    except postgast.PgQueryError as error:
        raise _syntax_error(source, error) from None
    except DecodeError:
        raise _too_deep(source, _undecodable(source.text)) from None


def _too_deep(source: Source, offset: int) -> MigrationError:
    return source.error(
        offset,
        "nested too deeply to be read",
        "Break up the chain of operators, joins or UNIONs (about 45 in a row are"
        " read), or put the statement into a DO block.",
    )


def _undecodable(text: str) -> int:
    """Byte offset of the statement whose tree protobuf refuses as too deep.

    Its limit is 100 nested messages, two for each level of an expression.
    """
    offset, whole = 0, text.encode()
    for piece in postgast.split(text):
        data = piece.encode()
        offset = whole.index(data, offset)
        try:
            postgast.parse(piece)
        except DecodeError:
            return offset + len(data) - len(data.lstrip())
        offset += len(data)
    return 0


def _syntax_error(source: Source, error: postgast.PgQueryError) -> MigrationError:
    # The position counts characters, although postgast's documentation says bytes.
    before = source.text[: max(0, error.cursorpos - 1)]
    offset = len(before.encode())
    for command in (source.line_at(offset).strip(), source.text[len(before) :]):
        if command.startswith("\\"):
            return source.error(
                offset,
                f"{command.split()[0]} is a command of psql, not SQL",
                "Remove it, or write what it does in SQL.",
            )
    if _ends_in_copy(before.rpartition("\n")[0]):
        return source.error(
            offset,
            "the rows of a COPY … FROM STDIN: that needs a client",
            "Write INSERT … VALUES instead.",
        )
    return source.error(
        offset, _shortened(error.message), "Correct the SQL; nothing was run."
    )


def _shortened(message: str) -> str:
    """The parser quotes what it stumbled over, however long that is."""
    return message if len(message) <= MOST_QUOTED else f"{message[:MOST_QUOTED]}…"


def _ends_in_copy(text: str) -> bool:
    """Whether the last statement is one that rows follow, as in pg_dump's files."""
    try:
        nodes = postgast.parse(text).stmts
    except (postgast.PgQueryError, DecodeError):
        return False
    last = inner(nodes[-1].stmt) if nodes else None
    return isinstance(last, pb.CopyStmt) and last.is_from and not last.filename


def _statements(source: Source, nodes: Sequence[pb.RawStmt]) -> Iterator[Statement]:
    positions = source.positions(node.stmt_location for node in nodes)
    for raw, at in zip(nodes, positions, strict=True):
        start = raw.stmt_location
        end = start + raw.stmt_len if raw.stmt_len else len(source.data)
        yield Statement(
            text=source.data[start:end].decode().rstrip(),
            path=source.path,
            line=at.line,
            column=at.column,
            node=inner(raw.stmt),
            kind=str(raw.stmt.WhichOneof("node")),
        )


def _without_outer_transaction(statements: Sequence[Statement]) -> Sequence[Statement]:
    """Anything but one plain BEGIN first and one plain COMMIT last is left alone."""
    control = [
        statement.node
        for statement in statements
        if isinstance(statement.node, pb.TransactionStmt)
    ]
    if len(control) != 2:
        return statements
    begin, commit = control
    is_outer = statements[0].node is begin and statements[-1].node is commit
    is_plain = (
        begin.kind in _OPENING
        and not begin.options
        and commit.kind == pb.TRANS_STMT_COMMIT
        and not commit.chain
    )
    return statements[1:-1] if is_outer and is_plain else statements
