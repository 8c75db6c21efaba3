"""Allowances of migration.toml: what is not allowed, and what is allowed in vain."""

from pathlib import Path

import pytest

from flows.migration.errors import MigrationError
from flows.migration.folder import load_migration
from tests.fix_allowances import allow

ROW_SECURITY_OFF = "ALTER TABLE t DISABLE ROW LEVEL SECURITY"
PINNED = "CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = pg_temp AS 'SELECT 1'"  # noqa: E501


@pytest.fixture
def here(tmp_path: Path) -> Path:
    place = tmp_path / "1_a"
    place.mkdir()
    (place / "up.sql").write_text("SELECT 1")
    return place


def entry(what: str, name: str) -> str:
    return f"[[allow]]\nwhat = '{what}'\nname = '{name}'\nreason = 'x'\n"


def refusal(here: Path, **options: bool) -> MigrationError:
    with pytest.raises(MigrationError) as caught:
        load_migration(here.parent, "1", **options)
    return caught.value


def test_everything_is_named_at_once_with_what_to_paste(here: Path) -> None:
    (here / "up.sql").write_text("SELECT 1;\n  DROP TABLE a.t;\nTRUNCATE b")
    (here / "verify.sql").write_text("ALTER ROLE r SUPERUSER")
    error = refusal(here)
    places = [line.partition(":")[2] for line in error.message.splitlines()]
    assert places == [
        "2:3: drops table a.t with its rows",
        "3:1: deletes every row of b",
        "1:1: changes role r",
    ]
    assert '[[allow]]\nwhat = "drop-table"\nname = "a.t"\nreason = ""' in error.help


def test_what_was_pasted_allows_it(here: Path) -> None:
    (here / "up.sql").write_text('DROP TABLE a."T x"; DROP FUNCTION f(int) CASCADE;'
                                 " COPY t FROM PROGRAM E'a\\nb\"\\\\'")  # fmt: skip
    allow(here / "migration.toml", here / "up.sql")
    assert load_migration(here.parent, "1").manifest.allow


def test_allowance_may_be_spelled_otherwise(here: Path) -> None:
    (here / "up.sql").write_text("DROP TABLE a.t")
    (here / "migration.toml").write_text(entry("drop-table", 'A."t"'))
    assert load_migration(here.parent, "1")


@pytest.mark.parametrize(
    ("what", "name"),
    [("drop-table", "a.other"), ("truncate", "a.t"), ("drop-table", "t")],
)
def test_allowance_for_something_else_allows_nothing(
    here: Path, what: str, name: str
) -> None:
    (here / "up.sql").write_text("DROP TABLE a.t")
    (here / "migration.toml").write_text(entry(what, name))
    message = refusal(here).message
    assert "up.sql:1:1: drops table a.t" in message
    assert f"migration.toml: allow[0]: nothing here does that: {what} of" in message


def test_down_may_delete_unasked(here: Path) -> None:
    (here / "down.sql").write_text("DROP TABLE t; DELETE FROM u; ALTER TABLE v DROP a")
    assert load_migration(here.parent, "1").down


@pytest.mark.parametrize("sql", [ROW_SECURITY_OFF, "UPDATE t SET a = 1"])
def test_down_is_asked_about_the_rest(here: Path, sql: str) -> None:
    (here / "down.sql").write_text(sql)
    assert "down.sql:1:1: " in refusal(here).message
    assert "down.sql:1:1: " in refusal(here, is_going_back=True).message


def test_what_is_in_place_is_taken_back_unasked(here: Path) -> None:
    (here / "up.sql").write_text("DROP TABLE t")
    assert load_migration(here.parent, "1", is_going_back=True)


def test_verify_may_change_rows_unasked(here: Path) -> None:
    (here / "verify.sql").write_text("DELETE FROM t; UPDATE t SET a = 1")
    assert load_migration(here.parent, "1").verify


def test_superusers_definer_must_be_a_definer(here: Path) -> None:
    (here / "migration.toml").write_text(entry("superuser-definer", "f()"))
    assert "nothing here does that" in refusal(here).message
    (here / "up.sql").write_text(PINNED)
    assert load_migration(here.parent, "1").expectations.definers == ()


def test_definer_is_expected_to_be_no_superusers(here: Path) -> None:
    (here / "up.sql").write_text(PINNED)
    (definer,) = load_migration(here.parent, "1").expectations.definers
    assert definer.signature == "f()"
