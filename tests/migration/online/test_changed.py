"""What a statement changes, by the names that `Made` has."""

from collections.abc import Callable

import pytest

from flows.migration.online.changed import changed_by
from flows.migration.script import Statement


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("GRANT SELECT ON s.t, u TO a", ["s.t", "u"]),
        ("GRANT SELECT (c, d), UPDATE (c) ON s.t TO a", ["s.t.c", "s.t.d", "s.t.c"]),
        ("GRANT SELECT, UPDATE (c) ON s.t TO a", ["s.t"]),
        ("REVOKE ALL ON FUNCTION f(int) FROM a", ["f(int)"]),
        ("GRANT SELECT ON ALL TABLES IN SCHEMA s TO a", []),
        ("COMMENT ON COLUMN s.t.c IS ''", ["s.t.c"]),
        ("COMMENT ON CONSTRAINT c ON s.t IS ''", ["s.t.c (constraint)"]),
        ("COMMENT ON TRIGGER c ON s.t IS ''", ["s.t.c (trigger)"]),
        ("COMMENT ON TYPE s.e IS ''", ["s.e"]),
        ("ALTER FUNCTION s.f(int) STABLE", ["s.f(int)"]),
        ("ALTER FUNCTION s.f(int) OWNER TO a", ["s.f(int)"]),
        ("ALTER POLICY p ON s.t TO a", ["s.t.p (policy)"]),
        ("ALTER SEQUENCE s.q CYCLE", ["s.q"]),
        ("ALTER TYPE s.e ADD VALUE 'x'", ["s.e"]),
        ("DROP TABLE s.t, u", ["s.t", "u"]),
        ('DROP POLICY "P" ON s.t', ['s.t."P" (policy)']),
        ("GRANT a TO b", []),
    ],
)
def test_changed_are(one: Callable[[str], Statement], sql: str, names) -> None:
    assert changed_by(one(sql).node) == names
