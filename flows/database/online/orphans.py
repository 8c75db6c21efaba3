"""Rows that refer to nothing, cleared before a foreign key looks at them.

A key that is not valid yet lets them be, but for one case: a row that one transaction
changes twice is checked the second time. The application would get the error.
"""

from collections.abc import Sequence
from contextlib import suppress

import psycopg
from psycopg import sql

from flows.database.connection import set_local
from flows.database.online.backfill import Backfill
from flows.database.online.crew import Crew
from flows.database.transaction import FencedTransaction
from flows.migration.online.steps import OnlineStep

SHARE = 0.25
"""Of deadlock_timeout, for looking under the lock: see `patience`."""
PASSES = 2
"""While the first clears the many, more come: the second leaves few to the lock."""
WHOLE_TABLE = {"low": "(0,0)", "high": "(4294967295,0)"}


def keys_of(step: OnlineStep, steps: Sequence[OnlineStep]) -> list[OnlineStep]:
    """Of a step that adds foreign keys with ON DELETE SET NULL: what validates them."""
    return [key for key in steps if key.clear_orphans and step is _adding(key, steps)]


def clear_ahead(crew: Crew, keys: Sequence[OnlineStep]) -> None:
    """Do to each row what the key would have done, in batches that nobody feels."""
    for key in keys:
        assert key.clear_orphans
        for _ in range(PASSES):
            Backfill(crew, key, key.clear_orphans).run_once()


def clear_under_lock(
    crew: Crew, transaction: FencedTransaction, keys: Sequence[OnlineStep]
) -> None:
    """Do it to those that came since, while nobody can make another one.

    In a table where that takes too long it is left to the validation: whoever changes
    one of these few rows twice in a transaction until then is out of luck.
    """
    conn = transaction.conn
    limit_ms = int(crew.flight.identity.deadlock_timeout_ms * SHARE)
    for key in keys:
        assert key.clear_orphans
        with suppress(psycopg.errors.QueryCanceled), conn.transaction():
            for lock in key.locks:
                if lock.table != key.table:
                    # Against DELETE, not against reading. As up.sql writes the name.
                    conn.execute(
                        sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(
                            sql.SQL(lock.table)
                        )
                    )
            set_local(conn, "statement_timeout", limit_ms)
            conn.execute(key.clear_orphans.encode(), WHOLE_TABLE)
        set_local(conn, "statement_timeout", 0)


def any_orphan(key: OnlineStep) -> str:
    """A SELECT of one boolean: does a row refer to nothing?"""
    return " ".join(("SELECT EXISTS (", str(key.orphans), ")"))


def _adding(key: OnlineStep, steps: Sequence[OnlineStep]) -> OnlineStep | None:
    """The last brief step before it that comes from the same statement."""
    before = [
        step
        for step in steps
        if step.kind == "brief" and step.where == key.where and step.number < key.number
    ]
    return before[-1] if before else None
