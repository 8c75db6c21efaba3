"""What may not stand in a script that runs in pgflight's own transaction."""

import pytest

from flows.migration.errors import MigrationError
from flows.migration.refusals import cascades_of, refusals_of, refuse
from tests.fix_scripts import Read


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("BEGIN; SELECT 1", "BEGIN is transaction control"),
        ("BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT 1; COMMIT", "BEGIN is"),
        ("SELECT 1; COMMIT", "COMMIT is transaction control"),
        ("SELECT 1; ROLLBACK", "ROLLBACK is"),
        ("SAVEPOINT s", "SAVEPOINT is"),
        ("ROLLBACK TO s", "ROLLBACK TO is"),
        ("RELEASE s", "RELEASE is"),
        ("PREPARE TRANSACTION 'x'", "PREPARE is"),
        ("COMMIT PREPARED 'x'", "COMMIT PREPARED is"),
        ("COPY t FROM STDIN", "COPY … FROM STDIN needs a client"),
        ("COPY t TO STDOUT", "COPY … TO STDOUT needs a client"),
        ("CREATE INDEX CONCURRENTLY i ON t (a)", "CREATE INDEX CONCURRENTLY cannot"),
        ("DROP INDEX CONCURRENTLY i", "DROP INDEX CONCURRENTLY cannot run"),
        ("REINDEX TABLE CONCURRENTLY t", "REINDEX CONCURRENTLY cannot run"),
        ("REINDEX SCHEMA s", "REINDEX of more than one table cannot run"),
        ("VACUUM t", "VACUUM cannot run in a transaction"),
        ("CLUSTER", "CLUSTER without a table cannot run"),
        ("CREATE DATABASE d", "CREATE DATABASE cannot run"),
        ("DROP DATABASE d", "DROP DATABASE cannot run"),
        ("ALTER DATABASE d SET TABLESPACE s", "SET TABLESPACE cannot run"),
        ("CREATE TABLESPACE s LOCATION '/x'", "CREATE TABLESPACE cannot run"),
        ("DROP TABLESPACE s", "DROP TABLESPACE cannot run"),
        ("ALTER SYSTEM SET a = 1", "ALTER SYSTEM cannot run"),
        ("CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p", "CREATE SUBSCRIPTION"),
        ("ALTER SUBSCRIPTION s REFRESH PUBLICATION", "ALTER SUBSCRIPTION cannot"),
        ("DROP SUBSCRIPTION s", "DROP SUBSCRIPTION cannot"),
        ("ALTER TABLE a DETACH PARTITION b CONCURRENTLY", "DETACH PARTITION CONC"),
        ("SET lock_timeout = '1s'", "changes lock_timeout"),
        ("SET LOCAL statement_timeout = 0", "changes statement_timeout"),
        ("RESET transaction_timeout", "changes transaction_timeout"),
        ("RESET ALL", "changes all"),
        ("SET ROLE r", "changes role"),
        ("SET SESSION AUTHORIZATION r", "changes session_authorization"),
        ("SET session_replication_role = replica", "changes session_replication_role"),
        ("SELECT set_config('Lock_Timeout', '0', true)", "changes lock_timeout"),
        ("SET TRANSACTION READ ONLY", "SET TRANSACTION changes the transaction"),
        (
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
            "SET SESSION CHARACTERISTICS changes the transaction",
        ),
        ("PREPARE x AS SELECT 1", "a prepared statement hides"),
        ("EXECUTE x", "a prepared statement hides"),
        ("LISTEN c", "nobody would receive"),
        ("DISCARD ALL", "DISCARD undoes"),
    ],
)
def test_statement_is_refused(read: Read, sql: str, reason: str) -> None:
    refusals = refusals_of(read(sql))
    assert any(reason in refusal.reason for refusal in refusals)
    assert all(refusal.help for refusal in refusals)


@pytest.mark.parametrize(
    "sql",
    [
        "BEGIN; SELECT 1; COMMIT",
        "ALTER TYPE mood ADD VALUE 'sad'",
        "SET search_path = a, b",
        "SET LOCAL work_mem = '1GB'",
        "SET CONSTRAINTS ALL IMMEDIATE",
        "SELECT set_config('app.x', 'y', true)",
        "DO $$ BEGIN COMMIT; END $$",
        "CREATE PROCEDURE p() LANGUAGE plpgsql AS 'BEGIN COMMIT; END'",
        "CREATE FUNCTION f() RETURNS text LANGUAGE sql SET lock_timeout = 1 AS ''",
        "CREATE VIEW v AS SELECT set_config('role', 'r', true)",
        "ALTER ROLE r SET lock_timeout = '1s'",
        "COPY t FROM '/srv/data.csv'",
        "ANALYZE t",
        "CLUSTER t",
        "REINDEX TABLE t",
        "LOCK TABLE t",
        "ALTER DATABASE d SET work_mem = '1MB'",
        "SELECT 'COMMIT;' -- VACUUM;",
    ],
)
def test_statement_is_accepted(read: Read, sql: str) -> None:
    assert refusals_of(read(sql)) == ()


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE t CASCADE",
        "ALTER TABLE t DROP COLUMN c CASCADE",
        "ALTER TABLE t DROP COLUMN b, DROP CONSTRAINT c CASCADE",
        "TRUNCATE t CASCADE",
        "DROP OWNED BY r",
        "DROP SCHEMA s CASCADE",
        "DROP FUNCTION f CASCADE",
    ],
)
def test_cascade_is_found(read: Read, sql: str) -> None:
    assert len(cascades_of(read(sql))) == 1


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE t RESTRICT",
        "REVOKE ALL ON t FROM r CASCADE",
        "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES o ON DELETE CASCADE",
    ],
)
def test_other_cascades_are_accepted(read: Read, sql: str) -> None:
    assert cascades_of(read(sql)) == ()


def test_all_refusals_are_reported_one_a_line(read: Read) -> None:
    refusals = refusals_of(read("SELECT 1;\nVACUUM;\n  DROP DATABASE d;\nVACUUM"))
    with pytest.raises(MigrationError) as caught:
        refuse(refusals)
    places = [
        line.partition("up.sql:")[2][:3] for line in str(caught.value).split("\n")
    ]
    assert places == ["2:1", "3:3", "4:1", ""]


def test_nothing_to_refuse_raises_nothing() -> None:
    refuse(())
