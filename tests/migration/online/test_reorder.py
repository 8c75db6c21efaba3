"""Indexes and foreign keys behind the backfill, where nothing could tell."""

from collections.abc import Callable

import pytest

from flows.migration.online.reorder import reordered
from tests.fix_scripts import Read

Order = Callable[[str], list[str]]
FILL = "UPDATE t SET c = 1"
INDEX = "CREATE INDEX i ON t (c)"
KEY = "ALTER TABLE t ADD CONSTRAINT k FOREIGN KEY (c) REFERENCES p (id)"


@pytest.fixture
def order(read: Read) -> Order:
    def order(sql: str) -> list[str]:
        return [statement.text for statement in reordered(read(sql).statements)]

    return order


def stays(order: Order, *statements: str) -> bool:
    return order("; ".join(statements)) == list(statements)


@pytest.mark.parametrize("moved", [INDEX, KEY])
def test_statement_moves_behind_the_last_update(order: Order, moved: str) -> None:
    end = "COMMENT ON TABLE t IS 'x'"
    sql = f"{moved}; {FILL}; {FILL}; {end}"
    assert order(sql) == [FILL, FILL, moved, end]


def test_those_that_move_keep_their_order(order: Order) -> None:
    other = INDEX.replace("i ON", "j ON")
    assert order(f"{INDEX}; {KEY}; {other}; {FILL}") == [FILL, INDEX, KEY, other]


def test_key_in_a_column_becomes_a_statement(order: Order) -> None:
    column = "ALTER TABLE t ADD COLUMN c int"
    assert order(f"{column} REFERENCES p (id) ON DELETE SET NULL; {FILL}") == [
        column,
        FILL,
        "ALTER TABLE t ADD FOREIGN KEY (c) REFERENCES p (id) ON DELETE SET NULL",
    ]


def test_key_in_a_column_stays_where_nothing_is_filled(order: Order) -> None:
    assert stays(order, "ALTER TABLE t ADD COLUMN c int REFERENCES p (id)")


def test_key_that_may_not_wait_stays_in_its_column(read: Read) -> None:
    column = "ALTER TABLE t ADD COLUMN c int REFERENCES p (id)"
    script = read(f"{column}; {FILL}")
    assert reordered(script.statements, lambda key: False) == script.statements


def test_key_that_may_not_wait_stays(read: Read) -> None:
    script = read(f"{KEY}; {FILL}")
    assert reordered(script.statements, lambda key: False) == script.statements


@pytest.mark.parametrize(
    "harmless",
    [
        "CREATE TYPE e AS ENUM ('a')",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS ''",
        "GRANT SELECT ON t TO a",
        "COMMENT ON COLUMN t.c IS 'x'",
        "ALTER TABLE t ADD COLUMN d int",
        "INSERT INTO p (id) VALUES (1)",
        "CREATE UNIQUE INDEX j ON t (d)",
    ],
)
@pytest.mark.parametrize("moved", [INDEX, KEY])
def test_statement_passes(order: Order, moved: str, harmless: str) -> None:
    assert order(f"{moved}; {harmless}; {FILL}")[0] == harmless


@pytest.mark.parametrize(
    "observer",
    [
        "SELECT 1",
        "DO ''",
        "DROP INDEX i",
        "CREATE VIEW v AS SELECT 1",
        "CREATE TRIGGER g AFTER UPDATE ON t EXECUTE FUNCTION f()",
        "UPDATE t SET c = f(c)",
        "INSERT INTO t (c) VALUES (1) ON CONFLICT (c) DO NOTHING",
        "ALTER TABLE t ADD COLUMN d int UNIQUE",
        "ALTER TABLE t ALTER c SET NOT NULL",
        "ALTER TABLE t CLUSTER ON i",
        "COMMENT ON INDEX i IS 'x'",
        "COMMENT ON CONSTRAINT k ON t IS 'x'",
        "CREATE INDEX ON t (d)",
    ],
)
@pytest.mark.parametrize("moved", [INDEX, KEY])
def test_statement_stays_before_what_may_tell(
    order: Order, moved: str, observer: str
) -> None:
    assert stays(order, moved, observer, FILL)


@pytest.mark.parametrize(
    "write",
    [
        "DELETE FROM p",
        "DELETE FROM q",
        "UPDATE p SET id = 1",
        "UPDATE q SET id = 1",
        "WITH d AS (DELETE FROM p) UPDATE t SET c = 2",
        "MERGE INTO p USING t ON true WHEN MATCHED THEN DELETE",
    ],
)
def test_key_stays_before_what_may_cascade(order: Order, write: str) -> None:
    assert stays(order, KEY, write, FILL)
    assert order(f"{INDEX}; {write}; {FILL}") == [write, FILL, INDEX]


@pytest.mark.parametrize(
    "kept",
    [
        "CREATE UNIQUE INDEX i ON t (c)",
        "CREATE INDEX ON t (c)",
        f"{KEY} NOT VALID",
        f"{KEY} DEFERRABLE",
        f"{KEY}, ADD COLUMN d int",
        "ALTER TABLE t ADD FOREIGN KEY (c) REFERENCES t (id)",
        "ALTER TABLE t ADD FOREIGN KEY (c) REFERENCES s.t (id)",
        "ALTER TABLE t ADD CHECK (c > 0)",
        "CREATE INDEX i ON s.t (c)",
        "CREATE INDEX i ON u (c)",
    ],
)
def test_statement_of_another_kind_or_table_stays(order: Order, kept: str) -> None:
    assert stays(order, kept, FILL)


@pytest.mark.parametrize(
    "change",
    [
        "CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS ''",
        "ALTER FUNCTION f(int) VOLATILE",
    ],
)
def test_index_on_a_function_stays_before_its_change(order: Order, change: str) -> None:
    assert stays(order, "CREATE INDEX i ON t (f(c))", change, FILL)


def test_index_of_the_same_name_is_not_passed(order: Order) -> None:
    assert stays(order, INDEX, "CREATE UNIQUE INDEX IF NOT EXISTS i ON t (d)", FILL)


@pytest.mark.parametrize(
    ("moved", "key", "passes"),
    [
        ("", "", False),
        ("", "CONSTRAINT r", False),
        ("CONSTRAINT k", "", False),
        ("CONSTRAINT k", "CONSTRAINT r", True),
    ],
)
def test_keys_pass_each_other_by_name(order, moved: str, key: str, passes) -> None:
    first = f"ALTER TABLE t ADD {moved} FOREIGN KEY (c) REFERENCES p (id)"
    second = f"ALTER TABLE t ADD {key} FOREIGN KEY (c) REFERENCES t (id)"
    assert stays(order, first, second, FILL) is not passes


def test_index_passes_a_key_without_a_name(order: Order) -> None:
    key = "ALTER TABLE t ADD FOREIGN KEY (c) REFERENCES t (id)"
    assert order(f"{INDEX}; {key}; {FILL}") == [key, FILL, INDEX]
