"""A statement in one line."""

from collections.abc import Callable

import pytest

from flows.migration.script import Statement

One = Callable[[str], Statement]


@pytest.mark.parametrize(
    ("sql", "summary"),
    [
        (
            "ALTER TABLE p.users ADD COLUMN IF NOT EXISTS a uuid, DROP b",
            "ALTER TABLE p.users ADD COLUMN a, DROP COLUMN b",
        ),
        ("ALTER TABLE t ALTER a SET NOT NULL", "ALTER TABLE t SET NOT NULL a"),
        (
            "CREATE OR REPLACE FUNCTION p.f(a uuid, OUT b int) LANGUAGE sql AS ''",
            "CREATE FUNCTION p.f(uuid)",
        ),
        ("CREATE TABLE p.t ()", "CREATE TABLE p.t"),
        ("CREATE INDEX i ON p.t (a)", "CREATE INDEX i ON p.t"),
        ("CREATE INDEX ON p.t (a)", "CREATE INDEX ON p.t"),
        ("UPDATE p.users SET a = 1", "UPDATE p.users"),
        ("INSERT INTO t VALUES (1)", "INSERT INTO t"),
        ("WITH x AS (SELECT 1) DELETE FROM t", "DELETE FROM t"),
        ("DROP TABLE a.b, c CASCADE", "DROP TABLE a.b, c"),
        ("DROP FUNCTION f(int, text)", "DROP FUNCTION f(int, text)"),
        ("COMMENT ON COLUMN a.b.c IS 'x'", "COMMENT ON COLUMN a.b.c"),
        ("REVOKE ALL ON FUNCTION f(int) FROM PUBLIC", "REVOKE ON FUNCTION f(int)"),
        (
            "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA p TO a",
            "GRANT ON ALL FUNCTIONS IN SCHEMA p",
        ),
        ("CREATE POLICY p ON t", "CREATE POLICY p ON t"),
        ("CREATE TYPE p.mood AS ENUM ('ok')", "CREATE TYPE p.mood"),
        ("ALTER TYPE mood ADD VALUE 'sad'", "ALTER TYPE mood"),
        ("CREATE MATERIALIZED VIEW m AS SELECT 1", "CREATE MATERIALIZED VIEW m"),
        ("TRUNCATE a, b.c", "TRUNCATE a, b.c"),
        ("LOCK TABLE a", "LOCK TABLE a"),
        ("DO $$ BEGIN END $$", "DO"),
        ('UPDATE "Users" SET a = 1', 'UPDATE "Users"'),
    ],
)
def test_summary_names_action_and_object(one: One, sql: str, summary: str) -> None:
    assert one(sql).summary == summary


def test_summary_is_cut_at_80_characters(one: One) -> None:
    columns = ", ".join(f"ADD COLUMN column_{n} int" for n in range(20))
    summary = one(f"ALTER TABLE t {columns}").summary
    assert len(summary) == 80
    assert summary.endswith("…")


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE ROLE r PASSWORD 'hunter2'",
        "ALTER ROLE r PASSWORD 'hunter2'",
        "CREATE USER MAPPING FOR u SERVER s OPTIONS (password 'hunter2')",
        "SELECT dblink_connect('password=hunter2')",
        "SET x.y = 'hunter2'",
        "COMMENT ON TABLE t IS 'hunter2'",
    ],
)
def test_summary_holds_no_values(one: One, sql: str) -> None:
    assert "hunter2" not in one(sql).summary
