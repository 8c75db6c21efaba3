"""Rows whose referenced row went before the foreign key came."""

import pytest

from tests.migration.online.conftest import Refusal

NEW = "ALTER TABLE t ADD COLUMN a int, ADD COLUMN b int;"
KEY = "ALTER TABLE t ADD CONSTRAINT k FOREIGN KEY (a, b) REFERENCES p (x, y)"
LOST = (
    "child.a IS NOT NULL AND child.b IS NOT NULL AND NOT EXISTS (SELECT FROM p parent"
    " WHERE parent.x = child.a AND parent.y = child.b)"
)


def test_orphans_are_named_by_their_keys(step) -> None:
    expected = f"SELECT DISTINCT child.a, child.b FROM t child WHERE {LOST}"
    assert step(KEY).orphans == expected


def test_orphans_are_set_to_null_as_the_key_says(step) -> None:
    assert step(f"{NEW} {KEY} ON DELETE SET NULL").clear_orphans == (
        f"UPDATE t child SET a = NULL, b = NULL WHERE {LOST}"
        " AND child.ctid >= %(low)s::tid AND child.ctid < %(high)s::tid"
    )


def test_only_the_columns_that_the_key_names_are(step) -> None:
    cleared = step(f"{NEW} {KEY} ON DELETE SET NULL (b)").clear_orphans
    assert "SET b = NULL WHERE" in cleared


@pytest.mark.parametrize("action", ["NO ACTION", "RESTRICT", "CASCADE", "SET DEFAULT"])
def test_orphans_of_another_action_are_left(step, action: str) -> None:
    assert step(f"{NEW} {KEY} ON DELETE {action}").clear_orphans is None


def test_values_that_were_there_before_are_not_cleared(step) -> None:
    found = step(f"{KEY} ON DELETE SET NULL")
    assert (bool(found.orphans), found.clear_orphans) == (True, None)


def test_clearing_counts_on_new_columns(step) -> None:
    new = NEW.replace("COLUMN", "COLUMN IF NOT EXISTS")
    found = step(f"{new} {KEY} ON DELETE SET NULL")
    assert (bool(found.clear_orphans), found.owns) == (True, ("t.a", "t.b"))


def test_key_to_unnamed_columns_is_validated_all_the_same(step) -> None:
    found = step("ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES p")
    assert (found.kind, found.orphans) == ("validate", None)


def test_clearing_needs_the_columns(refusal: Refusal) -> None:
    key = "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES p ON DELETE SET NULL"
    assert "REFERENCES table (column)" in refusal(f"{NEW} {key}")
