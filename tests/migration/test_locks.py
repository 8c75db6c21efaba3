"""Locks by statement, against the tables in PostgreSQL's documentation."""

from collections.abc import Callable

import pytest

from flows.migration.locks import blocks, locks_of, stronger, tables_of, telling
from flows.migration.script import Statement
from tests.fix_scripts import Read

ALL, SRE, SUE = "ACCESS EXCLUSIVE", "SHARE ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE"
WRITE, READ = "ROW EXCLUSIVE", "ACCESS SHARE"


@pytest.mark.parametrize(
    ("sql", "locks"),
    [
        ("ALTER TABLE p.t ADD a int", {"p.t": ALL}),
        ("ALTER TABLE t ADD a int REFERENCES o", {"t": ALL, "o": SRE}),
        ("ALTER TABLE t DROP a", {"t": ALL}),
        ("ALTER TABLE t ALTER a SET NOT NULL", {"t": ALL}),
        ("ALTER TABLE t ALTER a TYPE int", {"t": ALL}),
        ("ALTER TABLE t ADD CHECK (a > 0) NOT VALID", {"t": ALL}),
        ("ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES o", {"t": SRE, "o": SRE}),
        ("ALTER TABLE t VALIDATE CONSTRAINT c", {"t": SUE}),
        ("ALTER TABLE t ALTER a SET STATISTICS 9", {"t": SUE}),
        ("ALTER TABLE t ALTER a SET STATISTICS 9, DROP b", {"t": ALL}),
        ("ALTER TABLE t SET (fillfactor = 50)", {"t": SUE}),
        ("ALTER TABLE t SET (user_catalog_table)", {"t": ALL}),
        ("ALTER TABLE t DISABLE TRIGGER ALL", {"t": SRE}),
        ("ALTER TABLE t ENABLE ROW LEVEL SECURITY", {"t": ALL}),
        ("ALTER TABLE t OWNER TO r", {"t": ALL}),
        ("ALTER TABLE t ATTACH PARTITION u DEFAULT", {"t": SUE, "u": ALL}),
        ("ALTER TABLE t DETACH PARTITION u", {"t": ALL, "u": ALL}),
        ("ALTER TABLE t RENAME TO u", {"t": ALL}),
        ("ALTER TABLE t RENAME a TO b", {"t": ALL}),
        ("ALTER INDEX i RENAME TO j", {"i": SUE}),
        ("ALTER TABLE t SET SCHEMA s", {"t": ALL}),
        ("ALTER TYPE pair ADD ATTRIBUTE a int", {}),
        ("CREATE INDEX i ON p.t (a)", {"p.t": "SHARE"}),
        ("CREATE TABLE n (a int REFERENCES o)", {"o": SRE}),
        ("CREATE TABLE n (FOREIGN KEY (a) REFERENCES o)", {"o": SRE}),
        ("CREATE TABLE n PARTITION OF t DEFAULT", {"t": ALL}),
        ("CREATE TABLE n () INHERITS (t)", {"t": SUE}),
        ("CREATE TABLE n (LIKE t)", {"t": READ}),
        ("CREATE TABLE n AS SELECT * FROM t", {"t": READ}),
        ("SELECT * INTO n FROM t", {"t": READ}),
        ("CREATE VIEW v AS SELECT * FROM t", {"t": READ}),
        ("CREATE TRIGGER g AFTER INSERT ON t EXECUTE FUNCTION f()", {"t": SRE}),
        ("CREATE POLICY y ON t USING (a IN (SELECT 1 FROM u))", {"t": ALL}),
        ("ALTER POLICY y ON t USING (true)", {"t": ALL}),
        ("DROP POLICY y ON p.t", {"p.t": ALL}),
        ("DROP TRIGGER g ON p.t", {"p.t": ALL}),
        ("DROP TABLE p.t, u", {"p.t": ALL, "u": ALL}),
        ("DROP INDEX i", {"i": ALL}),
        ("TRUNCATE t, u", {"t": ALL, "u": ALL}),
        ("COMMENT ON COLUMN p.t.a IS ''", {"p.t": SUE}),
        ("COMMENT ON TABLE p.t IS ''", {"p.t": SUE}),
        ("INSERT INTO t SELECT * FROM u", {"t": WRITE, "u": READ}),
        ("UPDATE t SET a = u.a FROM u", {"t": WRITE, "u": READ}),
        ("DELETE FROM t USING u", {"t": WRITE, "u": READ}),
        ("MERGE INTO t USING u ON a WHEN MATCHED THEN DELETE", {"t": WRITE, "u": READ}),
        ("WITH x AS (DELETE FROM t RETURNING a) SELECT a FROM x", {"t": WRITE}),
        ("SELECT 1 FROM t FOR UPDATE", {"t": "ROW SHARE"}),
        ("LOCK TABLE t IN SHARE MODE", {"t": "SHARE"}),
        ("LOCK TABLE t", {"t": ALL}),
        ("REFRESH MATERIALIZED VIEW m", {"m": ALL}),
        ("REFRESH MATERIALIZED VIEW CONCURRENTLY m", {"m": "EXCLUSIVE"}),
        ("ANALYZE t", {"t": SUE}),
        ("CREATE STATISTICS s ON a, b FROM t", {"t": SUE}),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS ''", {}),
        ("GRANT SELECT ON t TO r", {}),
        ("DO $$ BEGIN END $$", {}),
    ],
)
def test_locks_are_the_documented_ones(
    one: Callable[[str], Statement], sql: str, locks: dict[str, str]
) -> None:
    assert {lock.table: lock.mode for lock in locks_of(one(sql))} == locks


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("WITH x AS (SELECT 1) UPDATE t SET a = 1 FROM x", ["t"]),
        ("WITH t AS (SELECT * FROM t) SELECT * FROM t", ["t"]),
        ("WITH RECURSIVE t AS (SELECT * FROM t) SELECT * FROM t", []),
        ("WITH x AS (SELECT 1) SELECT * FROM p.x", ["p.x"]),
        ("WITH x AS (SELECT 1), y AS (SELECT * FROM x) SELECT * FROM y", []),
        ("SELECT 1 WHERE EXISTS (SELECT FROM t)", ["t"]),
        ("CREATE TABLE n (); INSERT INTO n SELECT * FROM t", ["t"]),
        ("CREATE VIEW v AS SELECT 1; SELECT * FROM v", []),
        ("ALTER TABLE p.t ADD a int; UPDATE p.t SET a = 1", ["p.t"]),
        ("SELECT 1 FROM pg_catalog.pg_class, information_schema.tables", []),
        ("DROP INDEX i; ALTER INDEX j RENAME TO k", []),
        ("DO $$ BEGIN UPDATE t SET a = 1; END $$", []),
    ],
)
def test_tables_are_those_that_were_there(
    read: Read, sql: str, tables: list[str]
) -> None:
    assert list(tables_of(read(sql))) == tables


@pytest.mark.parametrize(
    ("mode", "blocked"),
    [
        (ALL, "reads and writes"),
        ("EXCLUSIVE", "writes"),
        (SRE, "writes"),
        ("SHARE", "writes"),
        (SUE, "schema changes only"),
        (WRITE, "nothing that an application does"),
    ],
)
def test_blocks_speaks_of_reads_and_writes(mode: str, blocked: str) -> None:
    assert blocks(mode) == blocked


def test_stronger_is_not_the_longer_name() -> None:
    assert stronger("EXCLUSIVE", SUE) == stronger(SUE, "EXCLUSIVE") == "EXCLUSIVE"


@pytest.mark.parametrize(
    ("since", "told"),
    [
        ({"ROW SHARE": 1.0}, {"ROW SHARE": 1.0}),
        ({"ROW EXCLUSIVE": 1.0, "SHARE": 2.0}, {"SHARE": 2.0}),
        ({"ACCESS EXCLUSIVE": 1.0, "SHARE": 2.0}, {"ACCESS EXCLUSIVE": 1.0}),
        (
            {"ACCESS EXCLUSIVE": 2.0, "SHARE": 1.0},
            {"SHARE": 1.0, "ACCESS EXCLUSIVE": 2.0},
        ),
        ({"SHARE": 1.0, "ACCESS EXCLUSIVE": 1.0}, {"ACCESS EXCLUSIVE": 1.0}),
    ],
)
def test_lock_tells_since_when_what_is_blocked(
    since: dict[str, float], told: dict[str, float]
) -> None:
    assert telling(since) == told
