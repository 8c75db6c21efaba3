"""What in a statement takes time: rows written, rows read, or neither."""

from collections.abc import Callable

import pytest

from flows.migration.effort import Effort, efforts_of
from flows.migration.script import Statement

ADD = "ALTER TABLE p.t ADD COLUMN c "


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE p.t SET a = 1",
        "DELETE FROM p.t WHERE a = 1",
        "ALTER TABLE p.t ALTER COLUMN a TYPE bigint",
        f"{ADD} uuid DEFAULT gen_random_uuid()",
        f"{ADD} int GENERATED ALWAYS AS IDENTITY",
        f"{ADD} int GENERATED ALWAYS AS (a + 1) STORED",
        "CLUSTER p.t USING i",
        "ALTER TABLE p.t SET UNLOGGED",
        "ALTER TABLE p.t SET LOGGED",
        "ALTER TABLE p.t SET TABLESPACE s",
        "ALTER TABLE p.t SET ACCESS METHOD heap2",
    ],
)
def test_rows_are_written(one: Callable[[str], Statement], sql: str) -> None:
    assert efforts_of(one(sql)) == (Effort("fill", "p.t"),)


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE INDEX i ON p.t (a)",
        "REINDEX TABLE p.t",
        "ALTER TABLE p.t ALTER COLUMN a SET NOT NULL",
        "ALTER TABLE p.t VALIDATE CONSTRAINT k",
        "ALTER TABLE p.t ADD CONSTRAINT k CHECK (a > 0)",
        "ALTER TABLE p.t ADD CONSTRAINT k UNIQUE (a)",
        "ALTER TABLE p.t ADD FOREIGN KEY (a) REFERENCES p.o (id)",
        f"{ADD} int CHECK (c > 0)",
    ],
)
def test_rows_are_read(one: Callable[[str], Statement], sql: str) -> None:
    assert efforts_of(one(sql)) == (Effort("scan", "p.t"),)


@pytest.mark.parametrize(
    "sql",
    [
        f"{ADD} int",
        f"{ADD} int DEFAULT 7",
        f"{ADD} int REFERENCES p.o (id)",
        "ALTER TABLE p.t ADD CONSTRAINT k CHECK (a > 0) NOT VALID",
        "ALTER TABLE p.t ADD CONSTRAINT k UNIQUE USING INDEX i",
        "ALTER TABLE p.t DROP COLUMN a",
        "CREATE TABLE p.t (a int PRIMARY KEY)",
        "GRANT SELECT ON p.t TO r",
        "INSERT INTO p.t VALUES (1)",
    ],
)
def test_brief_whatever_the_table(one: Callable[[str], Statement], sql: str) -> None:
    assert efforts_of(one(sql)) == ()


def test_each_effort_counts_once(one: Callable[[str], Statement]) -> None:
    sql = "ALTER TABLE t ALTER a SET NOT NULL, ALTER b SET NOT NULL, ALTER c TYPE int"
    assert efforts_of(one(sql)) == (Effort("scan", "t"), Effort("fill", "t"))
