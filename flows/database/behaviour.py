"""verify.sql: behaviour that is tried out and always rolled back."""

from psycopg import Error

from flows.database.connection import Cause, Conn, cause_of
from flows.database.transaction import describe
from flows.migration.check import Check
from flows.migration.probe import Verdict
from flows.migration.script import Script


def check_behaviour(conn: Conn, script: Script) -> Check:
    """Run a verify.sql inside a savepoint, or a transaction, that is rolled back.

    The first statement that raises ends it.

    Raises:
        psycopg.Error: contention, the budget or a lost connection: that says
            nothing about the behaviour.
    """
    verdict, detail = Verdict.PASS, f"{len(script.statements)} statements passed"
    try:
        with conn.transaction(force_rollback=True):
            for statement in script.statements:
                try:
                    conn.execute(statement.text.encode())
                except Error as error:
                    if cause_of(error) is not Cause.REFUSAL:
                        raise
                    detail, _ = describe(statement, error)
                    raise
    except Error as error:
        if cause_of(error) is not Cause.REFUSAL:
            raise
        verdict = Verdict.FAIL
    return Check(
        kind="behaviour", subject=script.path.name, verdict=verdict, detail=detail
    )
