"""Statements, their places in the file, and text that PostgreSQL would not parse."""

import subprocess
import sys
from pathlib import Path

import pytest

from flows.migration.errors import MigrationError
from tests.fix_scripts import Read


def test_statement_keeps_its_text(read: Read) -> None:
    first, second = read("SELECT 'é;ü' ;\n  SELECT 2 -- two\n;").statements
    assert first.text == "SELECT 'é;ü'"
    assert second.text == "SELECT 2 -- two"


@pytest.mark.parametrize(
    "sql",
    [
        "-- é\n\n  SELECT 1",
        "/* é\n */\r\n  SELECT 1;",
        "SELECT 'é\né';  SELECT 1",
        "SELECT 'é';\n; ;SELECT 1",
    ],
)
def test_position_counts_characters_from_the_first_token(read: Read, sql: str) -> None:
    statement = read(sql).statements[-1]
    line = sql.split("\n")[statement.line - 1]
    assert line[statement.column - 1 :].rstrip(";") == "SELECT 1"


@pytest.mark.parametrize(
    ("position", "place"), [(1, "2:3"), (8, "2:10"), (11, "3:1"), (12, "3:2")]
)
def test_position_within_a_statement_is_found(
    read: Read, position: int, place: str
) -> None:
    (statement,) = read("--\n  SELECT é,\nb").statements
    assert statement.where_at(position).endswith(f"up.sql:{place}")


def test_semicolons_in_bodies_do_not_split(read: Read) -> None:
    body = "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; END"
    assert len(read(f"{body}; DO $$ BEGIN; COMMIT; END $$; SELECT ';'").statements) == 3


def test_byte_order_mark_and_crlf_are_read(read: Read) -> None:
    script = read(b"\xef\xbb\xbfSELECT 1;\r\nSELECT 2;\r\n")
    assert [(s.line, s.column) for s in script.statements] == [(1, 1), (2, 1)]


@pytest.mark.parametrize(
    "sql",
    [
        "BEGIN; SELECT 1; COMMIT;",
        "begin transaction; SELECT 1; end",
        "START TRANSACTION; SELECT 1; COMMIT WORK",
    ],
)
def test_outer_transaction_is_stripped(read: Read, sql: str) -> None:
    script = read(sql)
    assert script.stripped
    assert [statement.text for statement in script.statements] == ["SELECT 1"]


@pytest.mark.parametrize(
    "sql",
    [
        "BEGIN; SELECT 1",
        "SELECT 1; COMMIT",
        "BEGIN; SELECT 1; COMMIT; SELECT 2",
        "BEGIN; SELECT 1; COMMIT; BEGIN; SELECT 2; COMMIT",
        "BEGIN; SELECT 1; SAVEPOINT s; COMMIT",
        "BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT 1; COMMIT",
        "BEGIN; SELECT 1; COMMIT AND CHAIN",
        "BEGIN; SELECT 1; ROLLBACK",
        "COMMIT; SELECT 1; BEGIN",
    ],
)
def test_other_transaction_control_is_kept(read: Read, sql: str) -> None:
    script = read(sql)
    assert not script.stripped
    assert len(script.statements) == sql.count(";") + 1


@pytest.mark.parametrize("sql", ["", "  \n-- nothing\n", ";;", "BEGIN; COMMIT;"])
def test_file_without_a_statement_is_refused(read: Read, sql: str) -> None:
    with pytest.raises(MigrationError, match=r"up\.sql:1:1: no SQL statement"):
        read(sql)


def test_syntax_error_shows_line_and_caret(read: Read) -> None:
    with pytest.raises(MigrationError) as caught:
        read("SELECT 1;\n\tSELECT 'é' FROM FROM x;\n")
    first, line, caret = caught.value.message.splitlines()
    assert first.endswith('up.sql:2:18: syntax error at or near "FROM"')
    assert line[caret.index("^") :] == "FROM x;"


@pytest.mark.parametrize(
    ("sql", "command"),
    [
        ("SELECT 1;\n\\set x 1\n", r"up\.sql:2:1: \\set is a command of psql"),
        ("\\i other.sql", r"\\i is a command of psql"),
        ("SELECT 1 \\gexec", r"up\.sql:1:10: \\gexec is a command of psql"),
    ],
)
def test_psql_command_is_named(read: Read, sql: str, command: str) -> None:
    with pytest.raises(MigrationError, match=command):
        read(sql)


def test_rows_of_a_copy_are_named(read: Read) -> None:
    with pytest.raises(MigrationError, match=r"up\.sql:3:1: the rows of a COPY"):
        read("SELECT 1;\nCOPY platform.t (a, b) FROM stdin;\n1\t2\n3\t4\n\\.\n")


@pytest.mark.parametrize(
    ("sql", "place"),
    [
        ("SELECT 1;\n\n SELECT " + "+".join("1" * 60), "3:2"),
        ("SELECT 1;\nSELECT " + "(" * 9_000 + "1" + ")" * 9_000, "2:"),
    ],
)
def test_deep_nesting_is_refused_at_its_place(read: Read, sql: str, place: str) -> None:
    with pytest.raises(MigrationError, match=rf"sql:{place}.*nested too deeply"):
        read(sql)


def test_many_rows_are_not_deep(read: Read) -> None:
    rows = ", ".join("(1, 'a')" for _ in range(20_000))
    assert read(f"VALUES {rows}").statements


def test_many_statements_are_not_deep(read: Read) -> None:
    assert len(read("SELECT a + b FROM t;\n" * 5_000).statements) == 5_000


@pytest.mark.parametrize(
    "expression",
    [
        "'(' * 100_000 + '1' + ')' * 100_000",
        "'+'.join('1' * 100_000)",
        "'NOT ' * 100_000 + 'true'",
        "'1' + '::int' * 100_000",
        "'1 UNION SELECT ' * 100_000 + '1'",
        "'f(1, ' * 4_900 + '1' + ')' * 4_900",
        "'CASE WHEN a THEN ' * 100_000",
    ],
)
def test_nesting_does_not_end_the_process(tmp_path: Path, expression: str) -> None:
    path = tmp_path / "up.sql"
    path.write_text("SELECT " + str(eval(expression)))
    code = (
        "import pathlib, sys\n"
        "from flows.migration.errors import MigrationError\n"
        "from flows.migration.script import read_script\n"
        "try: read_script(pathlib.Path(sys.argv[1]))\n"
        "except MigrationError: sys.exit(7)"
    )
    finished = subprocess.run([sys.executable, "-c", code, path], check=False)
    assert finished.returncode == 7
