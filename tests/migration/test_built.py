"""What a migration builds, against what it only changes or declares."""

from collections.abc import Callable
from pathlib import Path

import pytest

from flows.migration.built import built_by
from flows.migration.expectation import Expectations
from flows.migration.folder import load_migration
from tests.fix_allowances import allow

Built = Callable[..., Expectations]

MAKES_F = "CREATE OR REPLACE FUNCTION p.f() RETURNS int LANGUAGE sql AS 'SELECT {}'"


@pytest.fixture
def built(tmp_path: Path) -> Built:
    """What a migration of these files builds."""

    def built(**files: str) -> Expectations:
        place = tmp_path / "1_a"
        place.mkdir()
        names = {"up": "up.sql", "down": "down.sql", "toml": "migration.toml"}
        for part, text in files.items():
            (place / names[part]).write_text(text)
        allow(place / "migration.toml", place / "up.sql")
        return built_by(load_migration(tmp_path, "1"))

    return built


def test_added_column_is_built(built: Built) -> None:
    found = built(up="ALTER TABLE p.t ADD a int", down="ALTER TABLE p.t DROP a")
    assert [(column.table, column.name) for column in found.columns] == [("p.t", "a")]


def test_replaced_function_is_built(built: Built) -> None:
    found = built(up=MAKES_F.format(2), down="DROP FUNCTION p.f()")
    assert [function.signature for function in found.functions] == ["p.f()"]


def test_function_that_down_puts_back_is_not_built(built: Built) -> None:
    assert not built(up=MAKES_F.format(2), down=MAKES_F.format(1)).functions


def test_index_that_down_puts_back_is_not_built(built: Built) -> None:
    up = "DROP INDEX p.i; CREATE INDEX i ON p.t (a, b)"
    assert not built(up=up, down="DROP INDEX p.i; CREATE INDEX i ON p.t (a)").indexes


def test_column_that_is_only_declared_is_not_built(built: Built) -> None:
    toml = "[[columns]]\ntable = 'p.t'\nname = 'a'\ntype = 'bigint'\n"
    assert not built(up="ALTER TABLE p.t ALTER a TYPE bigint", toml=toml).columns


def test_declared_definition_is_kept(built: Built) -> None:
    toml = "[[functions]]\nsignature = 'p.f()'\nexecute = ['app']\n"
    (function,) = built(up=MAKES_F.format(1), toml=toml).functions
    assert function.execute == ("app",)


def test_removed_object_is_not_built(built: Built) -> None:
    assert not built(up="DROP TABLE p.t").objects


def test_comment_is_no_part_of_what_is_built(built: Built) -> None:
    up = "ALTER TABLE p.t ADD a int; COMMENT ON COLUMN p.t.a IS 'x'"
    assert built(up=up).columns[0].comment is None
