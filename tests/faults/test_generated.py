"""Hostile files that are made by the test: too large to keep, or no files at all."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.migration.errors import MigrationError
from flows.migration.folder import load_migration

MEGABYTE = 1_000_000
DEEP = 10_000


@pytest.fixture
def here(tmp_path: Path) -> Path:
    place = tmp_path / "1_hostile"
    place.mkdir()
    return place


def refusal(here: Path) -> str:
    with pytest.raises(MigrationError) as caught:
        load_migration(here.parent, "1")
    return caught.value.message


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT " + "(" * DEEP + "1" + ")" * DEEP,
        "SELECT " + "(SELECT " * DEEP + "1" + ")" * DEEP,
        "TABLE t" + " CROSS JOIN t" * DEEP,
        "TABLE " + "(TABLE " * DEEP + "t" + ")" * DEEP,
        "SELECT " + "CASE WHEN a THEN " * DEEP + "1" + " END" * DEEP,
        "SELECT " + "f(" * DEEP + ")" * DEEP,
        "SELECT " + "ARRAY[" * DEEP + "]" * DEEP,
        "SELECT " + "NOT " * DEEP + "true",
        "SELECT 1" + "+1" * DEEP,
        "SELECT 1" + " UNION SELECT 1" * DEEP,
        "SELECT a" + ".a" * DEEP,
        "SELECT " + "f(1, " * DEEP + "1" + ")" * DEEP,
        "WITH a AS (" * DEEP + "SELECT 1" + ") SELECT 1" * DEEP,
        "EXPLAIN " * DEEP + "SELECT 1",
        "DO $$ BEGIN EXECUTE $1$" + "(" * DEEP + "$1$; SELECT " + "(" * 60 + "1;END $$",
    ],
    ids=range(15),
)
def test_deep_nesting_does_not_end_the_process(here: Path, sql: str) -> None:
    (here / "up.sql").write_text(sql)
    try:
        load_migration(here.parent, "1")
    except MigrationError as error:
        assert str(here / "up.sql") in error.message


def test_deep_body_does_not_end_the_process(here: Path) -> None:
    """What stands in a body is parsed as well, and the server judges it."""
    deep = "SELECT " + "(" * DEEP + "1" + ")" * DEEP
    (here / "up.sql").write_text(f"DO $$ BEGIN\n {deep};\nEND $$")
    assert load_migration(here.parent, "1").up.statements


def test_name_of_a_megabyte_is_one_short_refusal(here: Path) -> None:
    name = "n" * MEGABYTE
    (here / "up.sql").write_text(f"SELECT 1;\nDROP {name} TABLE {name}")
    said = refusal(here)
    assert f"{here / 'up.sql'}:2:" in said
    assert len(said) < 1_000


@pytest.mark.parametrize(
    "piece",
    [f"SELECT '{'x' * 400}';\n", "-- COMMIT\n", "/* ; */ ", "SELECT '"],
    ids=range(4),
)
def test_ten_megabytes_with_a_mistake_at_the_end_are_refused(
    here: Path, piece: str
) -> None:
    times = 10 * MEGABYTE // len(piece)
    (here / "up.sql").write_text(piece * (times - times % 2) + "\nSELECT 1;\nCOMMIT")
    assert f"{here / 'up.sql'}:" in refusal(here)


def test_ten_megabytes_of_rows_are_read(here: Path) -> None:
    text = "a row; COMMIT;" * 20
    rows = ",\n".join(f"({number}, '{text}')" for number in range(34_000))
    (here / "up.sql").write_text("\n".join(["INSERT INTO t VALUES", rows]))
    assert len(load_migration(here.parent, "1").up.statements) == 1


def test_more_than_ten_megabytes_are_refused(here: Path) -> None:
    (here / "up.sql").write_text("SELECT 1;\n" * (11 * MEGABYTE // 10))
    assert "up.sql: larger than 10 MB" in refusal(here)


FILES = ["up.sql", "down.sql", "verify.sql", "migration.toml"]
Make = Callable[[Path], object]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (Path.mkdir, "Is a directory"),
        (os.mkfifo, "not a regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "not a regular file"),
        (lambda path: path.symlink_to("/proc/self/mem"), "Input/output error"),
    ],
    ids=["directory", "pipe", "device", "unreadable"],
)
def test_what_is_no_file_is_refused(
    here: Path, name: str, make: Make, reason: str
) -> None:
    (here / "up.sql").write_text("SELECT 1")
    (here / name).unlink(missing_ok=True)
    make(here / name)
    assert f"{here / name}: cannot be read: {reason}" in refusal(here)


@pytest.mark.parametrize("name", FILES)
def test_loop_of_links_is_refused(here: Path, name: str) -> None:
    (here / "up.sql").write_text("SELECT 1")
    (here / name).unlink(missing_ok=True)
    (here / name).symlink_to(here / "other")
    (here / "other").symlink_to(here / name)
    assert str(here / name) in refusal(here)
