"""Which statements take longer the more rows there are."""

from collections.abc import Callable

import pytest

from flows.migration.rows import touches_rows
from flows.migration.script import Statement


@pytest.mark.parametrize(
    ("sql", "touches"),
    [
        ("ALTER TABLE t ADD a int", False),
        ("ALTER TABLE t ADD a int NOT NULL DEFAULT 0 REFERENCES o", False),
        ("ALTER TABLE t ADD a uuid DEFAULT gen_random_uuid()", True),
        ("ALTER TABLE t ADD a int UNIQUE", True),
        ("ALTER TABLE t ALTER a TYPE text", True),
        ("ALTER TABLE t ALTER a SET NOT NULL", True),
        ("ALTER TABLE t ALTER a SET DEFAULT 1", False),
        ("ALTER TABLE t ADD CHECK (a > 0)", True),
        ("ALTER TABLE t ADD CHECK (a > 0) NOT VALID", False),
        ("ALTER TABLE t VALIDATE CONSTRAINT c", True),
        ("UPDATE t SET a = 1", True),
        ("SELECT 1", False),
        ("SELECT count(*) FROM t", True),
        ("CREATE INDEX i ON t (a)", True),
        ("DO $$ BEGIN END $$", True),
        ("DROP TABLE t", False),
        ("CREATE TABLE t ()", False),
    ],
)
def test_touches_rows(one: Callable[[str], Statement], sql: str, touches: bool) -> None:
    assert touches_rows(one(sql)) is touches
