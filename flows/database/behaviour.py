"""verify.sql: behaviour that is tried out and always rolled back."""

from psycopg import Error

from flows.database.connection import Cause, Conn, cause_of
from flows.database.transaction import describe
from flows.migration.check import Check
from flows.migration.probe import Verdict
from flows.migration.script import Script

_READ_ONLY = "25006"
_TROUBLE_CLASSES = ("53", "58")
"""Insufficient resources (a full disk, memory) and system errors (of files)."""


def _is_judgement(error: Error) -> bool:
    """Whether it says something about the behaviour, and not about the server."""
    state = error.sqlstate or ""
    is_in_trouble = state == _READ_ONLY or state.startswith(_TROUBLE_CLASSES)
    return cause_of(error) is Cause.REFUSAL and not is_in_trouble


def check_behaviour(conn: Conn, script: Script) -> Check:
    """Run a verify.sql inside a savepoint, or a transaction, that is rolled back.

    The first statement that raises ends it.

    Raises:
        psycopg.Error: contention, the budget, a lost connection or a server in
            trouble: that says nothing about the behaviour.
    """
    verdict, detail = Verdict.PASS, f"{len(script.statements)} statements passed"
    try:
        with conn.transaction(force_rollback=True):
            for statement in script.statements:
                try:
                    conn.execute(statement.text.encode())
                except Error as error:
                    if not _is_judgement(error):
                        raise
                    detail, _ = describe(statement, error)
                    raise
    except Error as error:
        if not _is_judgement(error):
            raise
        verdict = Verdict.FAIL
    return Check(
        kind="behaviour", subject=script.path.name, verdict=verdict, detail=detail
    )
