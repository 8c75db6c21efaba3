"""A SQL file: its text, its checksum, and where in it something is wrong."""

import codecs
import hashlib
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from flows.migration.errors import MigrationError

MAX_BYTES = 10 * 1024 * 1024
EXCERPT_WIDTH = 100
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True)
class Position:
    """Line and column, 1-based, counted in characters."""

    line: int
    column: int


@dataclass(frozen=True)
class Source:
    """A file as it was read.

    Attributes:
        data: UTF-8, without a byte order mark.
        checksum: SHA-256 of the file's bytes, in hexadecimal.
    """

    path: Path
    data: bytes = field(repr=False)
    checksum: str

    @property
    def text(self) -> str:
        return self.data.decode()

    def positions(self, offsets: Iterable[int]) -> Iterator[Position]:
        """Where these bytes stand. The offsets must ascend."""
        line, column, start = 1, 1, 0
        for offset in offsets:
            gap = self.data[start:offset].decode()
            column = len(gap) - gap.rfind("\n") if "\n" in gap else column + len(gap)
            line += gap.count("\n")
            start = offset
            yield Position(line, column)

    def error(self, offset: int, message: str, help: str) -> MigrationError:
        """The error to raise for what is wrong at a byte, shown with a caret."""
        at = next(self.positions([offset]))
        excerpt = _excerpt(self.line_at(offset), at.column)
        return MigrationError(
            f"{self.path}:{at.line}:{at.column}: {message}\n{excerpt}", help
        )

    def line_at(self, offset: int) -> str:
        """The line that this byte stands in, without its end."""
        start = self.data.rfind(b"\n", 0, offset) + 1
        end = self.data.find(b"\n", start)
        line = self.data[start:] if end < 0 else self.data[start:end]
        return line.decode().rstrip("\r")


def read_source(path: Path) -> Source:
    """Read a SQL file.

    Raises:
        MigrationError: it cannot be read, or is not text in UTF-8.
    """
    raw = bytes_of(path)
    source = Source(
        path, raw.removeprefix(codecs.BOM_UTF8), hashlib.sha256(raw).hexdigest()
    )
    _refuse_other_encodings(source)
    nul = source.data.find(b"\0")
    if nul >= 0:
        at = next(source.positions([nul]))
        raise MigrationError(
            f"{path}:{at.line}:{at.column}: a NUL byte, which SQL cannot hold",
            "Remove it; the file may be damaged or not a text file.",
        )
    return source


def bytes_of(path: Path) -> bytes:
    """A file's bytes: of a regular file only, because a pipe would never end.

    Raises:
        MigrationError: it cannot be read, or is too large.
    """
    try:
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise OSError(0, "not a regular file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise MigrationError(
            f"{path}: cannot be read: {error.strerror}",
            "Check that it is a file and that you may read it.",
        ) from None
    if len(data) > MAX_BYTES:
        raise MigrationError(
            f"{path}: larger than {MAX_BYTES // 1024**2} MB",
            "Load data in bulk with another tool, or split the migration.",
        )
    return data


def _refuse_other_encodings(source: Source) -> None:
    if source.data.startswith(_UTF16):
        raise MigrationError(
            f"{source.path}:1:1: UTF-16, not UTF-8", "Save the file as UTF-8."
        )
    try:
        source.data.decode()
    except UnicodeDecodeError as error:
        at = next(source.positions([error.start]))
        raise MigrationError(
            f"{source.path}:{at.line}:{at.column}: not UTF-8"
            f" (byte 0x{source.data[error.start]:02x})",
            "Save the file as UTF-8.",
        ) from None


def _excerpt(line: str, column: int) -> str:
    """The line with a caret below the column, cut to what fits a terminal."""
    start = max(0, column - 1 - EXCERPT_WIDTH // 2)
    shown = line[start : start + EXCERPT_WIDTH].replace("\t", " ")
    return f"  {shown}\n  {' ' * (column - 1 - start)}^"
