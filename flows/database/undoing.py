"""Running down.sql's statements, with replaced functions put back and not dropped."""

import psycopg

from flows.database.attempt import Say
from flows.database.connection import Cause, Conn, cause_of, in_words
from flows.database.dependents import refused_drop
from flows.database.functions import Function, put_back, resolve
from flows.database.transaction import FencedTransaction
from flows.migration.errors import RollbackFailed, StatementFailed
from flows.migration.functions import functions_dropped, without
from flows.migration.script import Statement

_DEPENDED_ON = "2BP01"


def undo(
    transaction: FencedTransaction, statement: Statement, replaced: list[Function]
) -> None:
    """Run a statement, but drop no function that was there before the migration."""
    by_name = {function.signature: function for function in replaced}
    spared = {
        name: by_name[signature]
        for name in functions_dropped(statement.node)
        if (signature := resolve(transaction.conn, name)) in by_name
    }
    rest: Statement | None = statement
    if spared:
        for function in spared.values():
            _try_to_put_back(transaction.conn, function)
        rest = without(statement, set(spared))
    if rest:
        try:
            transaction.run(rest)
        except StatementFailed as error:
            if error.sqlstate != _DEPENDED_ON:
                raise
            raise refused_drop(error) from None


def _try_to_put_back(conn: Conn, function: Function) -> None:
    """Already now, because of what its newer body may depend on.

    What the earlier one depends on may only be made by a later statement.
    """
    try:
        with conn.transaction():
            put_back(conn, function)
    except psycopg.Error as error:
        if cause_of(error) is not Cause.REFUSAL:
            raise


def put_back_all(
    transaction: FencedTransaction, replaced: list[Function], where: str, say: Say
) -> None:
    """Whatever down.sql has left of it; what it has put back itself is left alone.

    Raises:
        RollbackFailed: the server refuses to make one what it was.
    """
    for function in replaced:
        summary = f"restore {function.identity}"
        try:
            with transaction.step(where, summary):
                changed = put_back(transaction.conn, function)
        except psycopg.Error as error:
            if cause_of(error) is not Cause.REFUSAL:
                raise
            raise RollbackFailed(
                f"{function.identity} cannot be what it was: {in_words(error)}",
                "pgflight.replaced_function has its definition, owner and rights.",
            ) from None
        if changed:
            say(f"Restored {function.identity}")
