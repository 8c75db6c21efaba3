"""What a down.sql drops, and which functions a statement names."""

from flows.migration.dropped import dropped
from flows.migration.functions import functions_dropped, functions_named, without
from flows.migration.names import Signature
from tests.fix_scripts import Read


def found(read: Read, sql: str) -> list[tuple[str, str, str, str]]:
    return [
        (item.kind, item.name, item.part, item.word)
        for item in dropped(read(sql).nodes)
    ]


def test_columns_and_constraints_are_of_their_table(read: Read) -> None:
    sql = 'ALTER TABLE a."T" DROP COLUMN "C", DROP CONSTRAINT k, ALTER d DROP NOT NULL'
    assert found(read, sql) == [
        ("column", 'a."T"', "C", "C"),
        ("constraint", 'a."T"', "k", ""),
    ]


def test_relations_are_found_whatever_their_kind(read: Read) -> None:
    sql = "DROP TABLE a, s.b; DROP VIEW v; DROP INDEX s.i; DROP SEQUENCE q"
    assert [(kind, name) for kind, name, _, _ in found(read, sql)] == [
        ("relation", name) for name in ("a", "s.b", "v", "s.i", "q")
    ]


def test_functions_have_a_signature_and_a_word(read: Read) -> None:
    sql = "DROP FUNCTION s.f(int), g; DROP PROCEDURE p(text)"
    assert found(read, sql) == [
        ("function", "s.f(int)", "", "f"),
        ("function", "g", "", "g"),
        ("function", "p(text)", "", "p"),
    ]


def test_each_is_found_once(read: Read) -> None:
    assert len(found(read, "DROP TYPE t; DROP TYPE t; DROP SCHEMA s")) == 2


def test_other_statements_drop_nothing(read: Read) -> None:
    assert found(read, "DELETE FROM t; ALTER TABLE t ADD COLUMN c int") == []


def test_all_that_may_change_a_function_names_it(read: Read) -> None:
    sql = """CREATE OR REPLACE FUNCTION s.a() RETURNS int LANGUAGE sql AS '';
    ALTER FUNCTION s."B" OWNER TO x; GRANT EXECUTE ON FUNCTION c(int) TO y;
    COMMENT ON PROCEDURE d IS ''; DROP FUNCTION e; SELECT f()"""
    assert functions_named(read(sql).nodes) == ("a", "B", "c", "d", "e")


def test_drop_without_what_is_kept(read: Read) -> None:
    (statement,) = read("DROP FUNCTION IF EXISTS s.f(int), s.g(text)").statements
    kept, other = functions_dropped(statement.node)
    assert kept == Signature("s.f", ("int",))
    rest = without(statement, {kept})
    assert rest and rest.text == "DROP FUNCTION IF EXISTS s.g(text)"
    assert without(statement, {kept, other}) is None
