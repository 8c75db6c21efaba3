"""Files that are not SQL text are refused with the place of the first bad byte."""

import hashlib
from pathlib import Path

import pytest

from flows.migration.errors import MigrationError
from flows.migration.source import MAX_BYTES, read_source


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "up.sql"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"SELECT 1;\n  \xe9t\xe9", r"up\.sql:2:3: not UTF-8 \(byte 0xe9\)"),
        ("SELECT 1".encode("utf-16"), r"up\.sql:1:1: UTF-16"),
        ("-- é\n-- é\0".encode(), r"up\.sql:2:5: a NUL byte"),
    ],
)
def test_damaged_file_is_refused_at_its_place(
    path: Path, data: bytes, message: str
) -> None:
    path.write_bytes(data)
    with pytest.raises(MigrationError, match=message) as caught:
        read_source(path)
    assert caught.value.help


def test_missing_file_is_named(path: Path) -> None:
    with pytest.raises(MigrationError, match=r"up\.sql: cannot be read: No such file"):
        read_source(path)


def test_directory_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(MigrationError, match="cannot be read: Is a directory"):
        read_source(tmp_path)


def test_file_over_the_limit_is_not_read(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(MigrationError, match="larger than 10 MB"):
        read_source(path)


def test_checksum_covers_the_byte_order_mark(path: Path) -> None:
    data = b"\xef\xbb\xbfSELECT 1"
    path.write_bytes(data)
    source = read_source(path)
    assert source.text == "SELECT 1"
    assert source.checksum == hashlib.sha256(data).hexdigest()


def test_long_line_is_cut_around_the_caret(path: Path) -> None:
    path.write_text("x" * 500 + "!" + "y" * 500)
    message = read_source(path).error(500, "odd", "").message
    _, line, caret = message.splitlines()
    assert len(line) < 110
    assert line[caret.index("^")] == "!"
