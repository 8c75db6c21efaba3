"""Checks: what the catalogue holds against what a migration promised."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import psycopg
from psycopg import sql

from flows.database.connection import Cause, Conn, cause_of, one, rows
from flows.migration.allowance import superuser_definer
from flows.migration.check import Check
from flows.migration.expectation import (
    ColumnExpectation,
    DefinerExpectation,
    Expectations,
    ForeignKeyExpectation,
    FunctionExpectation,
    IndexExpectation,
    ObjectExpectation,
)
from flows.migration.expression import same_expression
from flows.migration.probe import Verdict
from flows.migration.result import result_columns

Expected = TypeVar("Expected")
Problems = Iterable[str]


def check_columns(conn: Conn, expectations: Expectations) -> list[Check]:
    """Type, nullability and comment of each expected column."""
    return _checked(conn, "column", expectations.columns, _column_problems)


def check_indexes(conn: Conn, expectations: Expectations) -> list[Check]:
    """Table, columns, predicate, method, uniqueness and validity of each index."""
    return _checked(conn, "index", expectations.indexes, _index_problems)


def check_foreign_keys(conn: Conn, expectations: Expectations) -> list[Check]:
    """That each foreign key is there once, validated, with its actions."""
    return _checked(
        conn, "foreign key", expectations.foreign_keys, _foreign_key_problems
    )


def check_functions(conn: Conn, expectations: Expectations) -> list[Check]:
    """Definition, search_path, owner and EXECUTE rights of each function."""
    return [
        *_checked(conn, "function", expectations.functions, _function_problems),
        *_checked(conn, "owner", expectations.definers, _definer_problems),
    ]


def check_objects(conn: Conn, expectations: Expectations) -> list[Check]:
    """That every other object is there, or gone."""
    return _checked(conn, "object", expectations.objects, _object_problems)


def check_structure(conn: Conn, expectations: Expectations) -> list[Check]:
    """All checks of the catalogue, in the order an operator expects."""
    return [
        check
        for checks in (
            check_columns,
            check_indexes,
            check_foreign_keys,
            check_functions,
            check_objects,
        )
        for check in checks(conn, expectations)
    ]


def _checked(
    conn: Conn,
    kind: str,
    expected: Sequence[Expected],
    problems_of: Callable[[Conn, Expected], Problems],
) -> list[Check]:
    """One savepoint for all; where the server refuses a question, one for each.

    Raises:
        psycopg.Error: contention, the budget or a lost connection: that says
            nothing about what was to be checked.
    """
    if not expected:
        return []
    try:
        # A savepoint: one check that the server refuses must not end the
        # transaction that the migration lives in.
        with conn.transaction():
            return [
                _judged(kind, wanted, problems_of(conn, wanted)) for wanted in expected
            ]
    except psycopg.Error as error:
        if cause_of(error) is not Cause.REFUSAL:
            raise
        if len(expected) == 1:
            return [_judged(kind, expected[0], [str(error.diag.message_primary)])]
    return [
        check
        for wanted in expected
        for check in _checked(conn, kind, [wanted], problems_of)
    ]


def _judged(kind: str, expectation: object, problems: Problems) -> Check:
    detail = "; ".join(problems)
    return Check(
        kind=kind,
        subject=_subject(expectation),
        verdict=Verdict.FAIL if detail else Verdict.PASS,
        detail=detail,
    )


def _subject(expectation: object) -> str:
    match expectation:
        case ColumnExpectation(table=table, name=name):
            return f"{table}.{name}"
        case ForeignKeyExpectation(table=table, columns=columns, references=other):
            return f"{table} ({', '.join(columns)}) → {other}"
        case FunctionExpectation(signature=signature):
            return signature
        case DefinerExpectation(signature=signature):
            return signature
        case ObjectExpectation(kind=kind, name=name, table=table):
            return f"{kind} {name} on {table}" if table else f"{kind} {name}"
        case IndexExpectation(name=name):
            return name
    raise TypeError(f"no subject for {expectation!r}")


def _differs(what: str, expected: object, found: object) -> Problems:
    if expected != found:
        yield f"{what}: expected {expected!s}, found {found!s}"


def _column_problems(conn: Conn, expected: ColumnExpectation) -> Problems:
    found = rows(conn, "select_column", table=expected.table, name=expected.name)
    if not found:
        yield "does not exist"
        return
    column = found[0]
    yield from _differs("type", _type_name(conn, expected.type), column["type"])
    yield from _differs("nullable", expected.nullable, column["nullable"])
    if expected.comment is not None:
        yield from _differs("comment", expected.comment, column["comment"])


def _type_name(conn: Conn, type_text: str) -> str:
    """The server's own name for a type: ``int`` is ``integer``."""
    # The parameter makes psycopg use the extended protocol: one statement only.
    cast_to = _from_migration(type_text.replace("%", "%%"))
    cursor = conn.execute(
        sql.SQL("SELECT NULL::{} WHERE %(any)s").format(cast_to), {"any": False}
    )
    assert cursor.pgresult is not None
    found = one(
        conn,
        "select_type_name",
        type=type_text,
        oid=cursor.pgresult.ftype(0),
        modifier=cursor.pgresult.fmod(0),
    )
    return str(found["type"])


def _from_migration(text: str) -> sql.SQL:
    # Not a literal, but the migration's own SQL: its author may run any SQL here.
    return sql.SQL(text)


def _index_problems(conn: Conn, expected: IndexExpectation) -> Problems:
    found = rows(conn, "select_index", name=expected.name, table=expected.table)
    if not found:
        yield "does not exist"
        return
    index = found[0]
    if not index["valid"]:
        yield "is INVALID: an interrupted build left it behind; drop it"
    if not index["is_on_table"]:
        yield f"table: expected {expected.table}, found {index['table']}"
    yield from _differs("unique", expected.unique, index["unique"])
    yield from _differs("method", expected.method, index["method"])
    if not _same_shape(expected.columns, expected.predicate, index):
        try:
            columns, predicate = _as_the_server_writes(conn, expected)
        except psycopg.errors.InsufficientPrivilege:
            # No temporary tables for this role: another spelling, for all we know.
            return
        yield from _differs("columns", columns, index["columns"])
        yield from _differs("predicate", predicate, index["predicate"])


def _same_shape(
    columns: Sequence[str], predicate: str | None, index: dict[str, Any]
) -> bool:
    return (
        len(columns) == len(index["columns"])
        and all(map(same_expression, columns, index["columns"]))
        and same_expression(predicate, index["predicate"])
    )


def _as_the_server_writes(
    conn: Conn, expected: IndexExpectation
) -> tuple[list[str], str | None]:
    """The expected columns and predicate in PostgreSQL's own spelling.

    Only the server knows that it stores ``IN (1, 2)`` as ``= ANY (ARRAY[1, 2])``, so
    it is asked: the same index on an empty temporary copy, rolled back at once.
    """
    where: sql.Composable = sql.SQL("")
    if expected.predicate is not None:
        where = sql.SQL("WHERE {}").format(_from_migration(expected.predicate))
    with conn.transaction(force_rollback=True):
        conn.execute(
            sql.SQL("CREATE TEMPORARY TABLE pgflight_shape (LIKE {})").format(
                _from_migration(expected.table)
            )
        )
        conn.execute(
            sql.SQL(
                "CREATE INDEX pgflight_shape_index ON pgflight_shape"
                " USING {method} ({columns}) {where}"
            ).format(
                method=sql.Identifier(expected.method),
                columns=sql.SQL(", ").join(map(_from_migration, expected.columns)),
                where=where,
            )
        )
        index = one(
            conn,
            "select_index",
            name="pg_temp.pgflight_shape_index",
            table="pg_temp.pgflight_shape",
        )
    return index["columns"], index["predicate"]


def _foreign_key_problems(conn: Conn, expected: ForeignKeyExpectation) -> Problems:
    found = rows(
        conn,
        "select_foreign_keys",
        table=expected.table,
        columns=list(expected.columns),
        references=expected.references,
    )
    if len(found) != 1:
        yield "does not exist" if not found else f"exists {len(found)} times"
        return
    key = found[0]
    if not key["is_to_table"]:
        yield f"references: expected {expected.references}, found {key['references']}"
    if not key["validated"]:
        yield "is NOT VALID: existing rows were never checked"
    yield from _differs("ON DELETE", expected.on_delete, key["on_delete"])
    yield from _differs("ON UPDATE", expected.on_update, key["on_update"])
    if expected.referenced_columns:
        yield from _differs(
            "referenced columns",
            list(expected.referenced_columns),
            key["referenced_columns"],
        )


def _function_problems(conn: Conn, expected: FunctionExpectation) -> Problems:
    found = rows(conn, "select_function", signature=expected.signature)
    if not found:
        yield "does not exist"
        return
    function = found[0]
    if expected.returns is not None:
        returns = _result_name(conn, expected.returns)
        yield from _differs("result", returns, function["returns"])
    for what in ("volatility", "security_definer"):
        yield from _differs(
            what.replace("_", " "), getattr(expected, what), function[what]
        )
    if not _same_list(expected.search_path, function["search_path"]):
        yield from _differs(
            "search_path", expected.search_path, function["search_path"]
        )
    for what in ("owner", "comment", "body"):
        value = getattr(expected, what)
        if value is not None and value != function[what]:
            yield (
                "body: not the one in up.sql"
                if what == "body"
                else f"{what}: expected {value}, found {function[what]}"
            )
    if expected.execute is not None:
        # The owner may anyway, granted or not.
        others = sorted(set(expected.execute) - {function["owner"]})
        yield from _differs("EXECUTE for", others, sorted(function["execute"]))


def _definer_problems(conn: Conn, expected: DefinerExpectation) -> Problems:
    """Nothing about a function that is not there: that is no privilege of anybody's."""
    for function in rows(conn, "select_function", signature=expected.signature):
        if function["security_definer"] and function["owner_is_superuser"]:
            yield superuser_definer(expected.signature, function["owner"])


def _result_name(conn: Conn, returns: str) -> str:
    """The server's own name for a result; it drops modifiers, ``varchar(9)`` say."""

    def name(type_text: str) -> str:
        found = one(conn, "select_result_type", type=type_text)["type"]
        return str(found or type_text)

    columns = result_columns(returns)
    if columns:
        listed = (f"{column} {name(type_)}" for column, type_ in columns)
        return f"TABLE({', '.join(listed)})"
    head, _, rest = returns.partition(" ")
    return f"SETOF {name(rest)}" if head.upper() == "SETOF" else name(returns)


def _same_list(left: str | None, right: str | None) -> bool:
    """Compare two search_paths: only spaces and quotes may differ."""

    def names(text: str | None) -> list[str] | None:
        return None if text is None else [part.strip(' "') for part in text.split(",")]

    return names(left) == names(right)


def _object_problems(conn: Conn, expected: ObjectExpectation) -> Problems:
    found = one(
        conn,
        "object_is_there",
        kind=expected.kind,
        name=expected.name,
        table=expected.table,
    )["found"]
    if found != expected.present:
        yield "does not exist" if expected.present else "is still there"
