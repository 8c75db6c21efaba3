"""What data a down.sql deletes."""

import pytest

from flows.migration.losses import Loss, losses
from tests.fix_scripts import Read


def some(table: str) -> Loss:
    """Rows of a table that nothing of the script locks against readers."""
    return Loss(table, some=True, readers_wait=False)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("ALTER TABLE p.t DROP COLUMN IF EXISTS c", [Loss("p.t", "c")]),
        ('ALTER TABLE t ADD a int, DROP "C", DROP d', [Loss("t", "C"), Loss("t", "d")]),
        ("ALTER TABLE t ALTER c TYPE date", [Loss("t", "c", stays=True)]),
        ("DROP TABLE IF EXISTS p.t, u", [Loss("p.t"), Loss("u")]),
        ("TRUNCATE a, b", [Loss("a"), Loss("b")]),
        ("DELETE FROM p.t", [some("p.t")]),
        ("DELETE FROM p.t WHERE a RETURNING b", [some("p.t")]),
        ("WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x", [some("t")]),
        ("MERGE INTO t USING s ON a WHEN MATCHED THEN DELETE", [some("t")]),
        ("MERGE INTO t USING s ON a WHEN MATCHED THEN UPDATE SET b = 1", [some("t")]),
        ("UPDATE t SET a = 1 WHERE b", [some("t")]),
        ("INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET b = 1", [some("t")]),
        ("ALTER TABLE t ALTER a TYPE int", [Loss("t", "a", stays=True)]),
        ("UPDATE t SET a = 1; DROP INDEX i", [some("t")]),
        (
            "UPDATE p.t SET a = 1; ALTER TABLE t DROP b",
            [Loss("p.t", some=True), Loss("t", "b")],
        ),
        ("ALTER TABLE t DROP c; DROP TABLE t", [Loss("t")]),
        ("DELETE FROM t; DROP TABLE t", [Loss("t")]),
    ],
)
def test_lost_data_is_found(read: Read, sql: str, expected: list[Loss]) -> None:
    assert list(losses(read(sql).nodes)) == expected


@pytest.mark.parametrize(
    "sql",
    [
        "DROP FUNCTION f; DROP INDEX i; DROP VIEW v; DROP MATERIALIZED VIEW m",
        "ALTER TABLE t DROP CONSTRAINT c, ALTER a DROP DEFAULT",
        "ALTER TYPE pair DROP ATTRIBUTE a",
        "CREATE RULE r AS ON INSERT TO t DO DELETE FROM u",
        "MERGE INTO t USING s ON a WHEN NOT MATCHED THEN INSERT VALUES (1)",
        "INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING",
        "DELETE FROM p.t WHERE a",
    ],
)
def test_other_statements_lose_nothing(read: Read, sql: str) -> None:
    assert losses(read(sql).nodes) == ()
