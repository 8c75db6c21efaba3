"""Putting back what a rollback saved, in batches, while everybody goes on working.

Careful: what the application has written since the column is there is newer, and wins.
"""

import random
import time
from collections.abc import Callable, Sequence

import psycopg

from flows.database.connection import (
    Cause,
    Conn,
    cause_of,
    commit_locally,
    one,
    set_local,
)
from flows.database.online.backfill import SHARE, Backfill, TooLong
from flows.database.online.crew import Crew
from flows.database.online.fence import held_fence
from flows.database.online.journal import Journal
from flows.database.queries import query
from flows.database.restore import (
    advance_sequences,
    close,
    left,
    refusal,
    restore_at_once,
    sequence_advanced,
    text_form_pinned,
    told,
)
from flows.database.restoring import pending_between, statement_for_batch
from flows.database.saved import Place, SavedSet, place_of, saved_sets
from flows.migration.command import command
from flows.migration.errors import Blocked, LocksNotObtained
from flows.migration.flight import Flight
from flows.migration.names import may_be_same
from flows.migration.online.steps import OnlineStep
from flows.migration.report import Restored

MOST_REFUSALS = 200
"""Rows that are tried one by one; of more, those of a whole batch are refused."""
TRIES = 10
OVERWRITTEN = (
    "the table has no primary key, so that the backfill cannot be kept off its rows"
)
TOO_LARGE = "the table has no primary key, and is too large for one short statement"


class Waiting:
    """What is to be put back in the course of a deployment, as soon as it has a place.

    A column before it is filled, so that the backfill is left with the rest. Rows at
    the end, when all that up.sql inserts is there.

    Args:
        steps: those of the deployment.
    """

    def __init__(self, crew: Crew, steps: Sequence[OnlineStep]) -> None:
        self._crew = crew
        self._steps = steps
        self._is_any = bool(self._sets())

    def put_back_columns(self) -> None:
        """Those whose column is there by now."""
        if self._is_any:
            self._put_back([saved for saved in self._sets() if not saved.whole_rows])

    def put_back_rows(self) -> None:
        """Those whose table is there; what has no place after all is said."""
        if self._is_any:
            self._put_back([saved for saved in self._sets() if saved.whole_rows])
            self._crew.felt.restored += [_left(self._crew, s) for s in self._sets()]

    def _sets(self) -> list[SavedSet]:
        """Asked anew each time: steps note when they have made a column."""
        with self._crew.journal.session() as conn:
            version = self._crew.flight.migration.version
            return saved_sets(conn, version, careful=True)

    def _put_back(self, sets: list[SavedSet]) -> None:
        for saved in sets:
            place = _place(self._crew, saved)
            if place is None:
                continue
            if not saved.has_key and self._will_be_overwritten(saved):
                restored = _refuse(self._crew, place, OVERWRITTEN)
            else:
                restored = restore_in_batches(self._crew, place)
            self._crew.felt.restored.append(restored)

    def _will_be_overwritten(self, saved: SavedSet) -> bool:
        return any(
            saved.column in step.overwrites
            and may_be_same(str(step.table), saved.relation)
            for step in self._steps
        )


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
        run_id = crew.journal.run_id
        template = statement_for_batch(watched.conn, place, run_id)
    conflict = None
    try:
        _Restoring(crew, step, template, place).run_once()
    except LocksNotObtained as error:
        conflict = f"not obtained: {error.message}"
    with crew.session(step) as watched:
        conn = watched.conn
        advance_sequences(conn, place)
        close(conn, place.saved, crew.journal.run_id, conflict)
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
                    run_id = crew.journal.run_id
                    restored = restore_at_once(conn, place, run_id, run_id)
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
    return _refuse(crew, place, reason)


def _refuse(crew: Crew, place: Place, reason: str) -> Restored:
    """Leave a whole set where it is, with the reason."""
    with crew.journal.session() as conn:
        close(conn, place.saved, crew.journal.run_id, reason)
        conn.commit()
        return told(conn, place, 0)


def _place(crew: Crew, saved: SavedSet) -> Place | None:
    with crew.journal.session() as conn:
        return place_of(conn, saved, crew.flight.migration.expectations)


def _left(crew: Crew, saved: SavedSet) -> Restored:
    with crew.journal.session() as conn:
        advanced = sequence_advanced(conn, saved, crew.journal.run_id)
        commit_locally(conn)
        return advanced or left(conn, saved)


def _homeless(flight: Flight, sets: list[SavedSet]) -> Blocked:
    names = ", ".join(dict.fromkeys(saved.name for saved in sets))
    again = command("deploy", flight.migration.version, flight.target.name)
    return Blocked(
        f"There is no place to put back what was saved: {names} is not there",
        f"Deploy it first: `{again}` puts back what it can.",
    )
