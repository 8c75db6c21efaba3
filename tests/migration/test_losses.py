"""What data a down.sql deletes."""

import pytest

from flows.migration.losses import Loss, losses
from tests.fix_scripts import Read


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("ALTER TABLE p.t DROP COLUMN IF EXISTS c", [Loss("p.t", "c")]),
        ('ALTER TABLE t ADD a int, DROP "C", DROP d', [Loss("t", "C"), Loss("t", "d")]),
        ("ALTER TABLE t ALTER c TYPE date", [Loss("t", "c")]),
        ("DROP TABLE IF EXISTS p.t, u", [Loss("p.t"), Loss("u")]),
        ("TRUNCATE a, b", [Loss("a"), Loss("b")]),
        ("DELETE FROM p.t WHERE a", [Loss("p.t")]),
        ("WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x", [Loss("t")]),
        ("MERGE INTO t USING s ON a WHEN MATCHED THEN DELETE", [Loss("t")]),
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
        "MERGE INTO t USING s ON a WHEN MATCHED THEN UPDATE SET a = 1",
    ],
)
def test_other_statements_lose_nothing(read: Read, sql: str) -> None:
    assert losses(read(sql).nodes) == ()
