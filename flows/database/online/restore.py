"""Putting back what a rollback saved, in batches, while everybody goes on working.

Careful: what the application has written since the column is there is newer, and wins.
"""

import random
import time
from collections.abc import Callable

import psycopg

from flows.database.connection import Cause, Conn, cause_of, one, set_local
from flows.database.online.backfill import SHARE, Backfill, TooLong
from flows.database.online.crew import Crew
from flows.database.online.fence import held_fence
from flows.database.online.journal import Journal
from flows.database.queries import query
from flows.database.restore import (
    advance_sequences,
    close,
    refusal,
    restore_at_once,
    text_form_pinned,
    told,
)
from flows.database.restoring import (
    Place,
    SavedSet,
    pending_between,
    place_of,
    saved_sets,
    statement_for_batch,
)
from flows.migration.errors import Blocked, LocksNotObtained
from flows.migration.flight import Flight
from flows.migration.online.steps import OnlineStep
from flows.migration.report import Conflict, Restored

MOST_REFUSALS = 200
"""Rows that are tried one by one; of more, those of a whole batch are refused."""
TRIES = 10
TOO_LARGE = "the table has no primary key, and is too large for one short statement"


class Waiting:
    """What is to be put back in the course of a deployment, as soon as it has a place.

    A column before it is filled, so that the backfill is left with the rest. Rows at
    the end, when all that up.sql inserts is there.
    """

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        with crew.journal.session() as conn:
            version = crew.flight.migration.version
            self._sets = saved_sets(conn, version, careful=True)

    def put_back_columns(self) -> None:
        """Those whose column is there by now."""
        self._put_back([saved for saved in self._sets if not saved.whole_rows])

    def put_back_rows(self) -> None:
        """Those whose table is there."""
        self._put_back([saved for saved in self._sets if saved.whole_rows])

    def _put_back(self, sets: list[SavedSet]) -> None:
        for saved in sets:
            place = _place(self._crew, saved)
            if place:
                self._crew.felt.restored.append(restore_in_batches(self._crew, place))
                self._sets.remove(saved)


def restore_by_hand(flight: Flight, say: Callable[[str], None]) -> list[Restored]:
    """Put back whatever is still saved, into tables that are in use.

    Raises:
        Busy: another deployer is at work.
        Blocked: there is no place for any of it.
    """
    with held_fence(flight) as fence:
        crew = Crew(flight, fence, Journal(flight), say)
        with crew.journal.session() as conn:
            version = flight.migration.version
            sets = saved_sets(conn, version, careful=True, with_conflicts=True)
        places = [(saved, _place(crew, saved)) for saved in sets]
        if places and not any(place for _, place in places):
            raise _homeless(flight, sets)
        return [
            restore_in_batches(crew, place) if place else _left(crew, saved)
            for saved, place in places
        ]


def restore_in_batches(crew: Crew, place: Place) -> Restored:
    """Put a set back, from wherever an earlier run was killed, and close it."""
    step = OnlineStep(
        kind="backfill",
        where="pgflight.saved",
        summary=f"restore {place.saved.name}",
        statements=(),
        table=place.saved.relation,
    )
    if place.saved.has_key:
        return _restore_by_key(crew, step, place)
    return _restore_without_key(crew, step, place)


def _restore_by_key(crew: Crew, step: OnlineStep, place: Place) -> Restored:
    with crew.session(step) as watched:
        template = statement_for_batch(watched.conn, place)
    conflict = None
    try:
        _Restoring(crew, step, template, place).run_once()
    except LocksNotObtained as error:
        conflict = f"not obtained: {error.message}"
    with crew.session(step) as watched:
        conn = watched.conn
        advance_sequences(conn, place)
        close(conn, place, crew.flight.run_id, conflict)
        conn.commit()
        rows = one(conn, "count_restored", id=place.saved.id)["rows"]
        return told(conn, place, rows)


class _Restoring(Backfill):
    """Passes the saved rows once, instead of the table that they belong to."""

    def __init__(
        self, crew: Crew, step: OnlineStep, template: str, place: Place
    ) -> None:
        super().__init__(crew, step, template, "pgflight.saved_row")
        self._saved = place.saved
        self._refusals = 0

    def _prepare(self, conn: Conn) -> None:
        conn.execute(query("pin_text_form"))

    def _refused(
        self,
        conn: Conn,
        limits: tuple[str, str],
        is_divisible: bool,
        error: psycopg.Error,
    ) -> int:
        """One bad row must not keep the others of its batch from being put back."""
        conn.rollback()
        is_searched = self._refusals < MOST_REFUSALS
        if is_divisible and is_searched:
            raise TooLong from None
        which = pending_between(self._saved, *limits)
        found = query("select_pending_places").format(pending=which)
        places = conn.execute(found).fetchall()
        conn.commit()
        if len(places) > 1 and is_searched:
            return sum(
                self._insist(conn, (row["place"], row["next"]), 0) for row in places
            )
        self._refusals += 1
        values = {"pending": which, "conflict": refusal(error)}
        conn.execute(query("refuse_rows").format(**values))
        conn.commit()
        return 0


def _restore_without_key(crew: Crew, step: OnlineStep, place: Place) -> Restored:
    """In one statement, if that is short: rows that are alike must be counted."""
    limit_ms = int(crew.flight.identity.deadlock_timeout_ms * SHARE)
    with crew.session(step) as watched:
        conn = watched.conn
        reason = ""
        for failure in range(TRIES):
            try:
                set_local(conn, "statement_timeout", limit_ms)
                set_local(conn, "lock_timeout", limit_ms)
                with text_form_pinned(conn):
                    run_id = crew.flight.run_id
                    restored = restore_at_once(conn, place, run_id, careful=True)
                conn.commit()
                return restored
            except psycopg.Error as error:
                if cause_of(error) not in (Cause.BUDGET, Cause.CONTENTION):
                    raise
                conn.rollback()
                reason = refusal(error)
                if cause_of(error) is Cause.BUDGET:
                    reason = TOO_LARGE
                    break
                time.sleep(random.uniform(0.5, 1.5) * 0.02 * 2**failure)
        close(conn, place, crew.flight.run_id, reason)
        conn.commit()
        return told(conn, place, 0)


def _place(crew: Crew, saved: SavedSet) -> Place | None:
    with crew.journal.session() as conn:
        return place_of(conn, saved, crew.flight.migration.expectations)


def _left(crew: Crew, saved: SavedSet) -> Restored:
    with crew.journal.session() as conn:
        rows = one(conn, "count_left", id=saved.id)["rows"]
    conflict = Conflict(reason=f"{saved.name} is not there", rows=rows, first_keys=[])
    return Restored(
        table=saved.relation, column=saved.column, rows=0, conflicts=[conflict]
    )


def _homeless(flight: Flight, sets: list[SavedSet]) -> Blocked:
    names = ", ".join(dict.fromkeys(saved.name for saved in sets))
    version = flight.migration.version
    return Blocked(
        f"There is no place to put back what was saved: {names} is not there",
        f"Deploy it first: `pgflight deploy {version}` puts back what it can.",
    )
