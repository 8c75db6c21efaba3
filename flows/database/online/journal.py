"""The journal of an online deployment: which step it has come to."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from psycopg import sql
from psycopg.types.json import Jsonb

from flows.database.connection import (
    CONNECT_ATTEMPTS,
    IDLE_LIMIT_MS,
    Conn,
    rows,
    session,
    set_local,
)
from flows.database.events import Event, Kind, append_event
from flows.database.fingerprint import take_fingerprint
from flows.database.ledger import read_run
from flows.database.queries import query
from flows.database.rights import note_rights
from flows.migration.command import command
from flows.migration.errors import ApplyFailed, Blocked, being_rolled_back
from flows.migration.flight import Flight
from flows.migration.online.steps import Made, OnlineStep


@dataclass(frozen=True)
class Entry:
    """A step that was begun.

    Attributes:
        undo: statements that take it back.
        next_block: the table's block that a backfill goes on from.
    """

    state: str
    undo: tuple[str, ...]
    next_block: int


class Journal:
    """One run's rows in pgflight.step. No call commits: a step and its entry are one
    transaction wherever the step itself is one."""

    def __init__(self, flight: Flight) -> None:
        self._flight = flight
        self.run_id: UUID = flight.in_place_as

    @contextmanager
    def session(self) -> Iterator[Conn]:
        """A connection for reading and writing entries; to be committed."""
        target = self._flight.target
        purpose = f"journal {self._flight.run_id} {self._flight.migration.version}"
        with session(target, purpose, attempts=CONNECT_ATTEMPTS) as conn:
            set_local(conn, "idle_in_transaction_session_timeout", IDLE_LIMIT_MS)
            yield conn

    def open(self, conn: Conn) -> None:
        """Begin the run, or find it again; also one whose last COMMIT lost its answer.

        Raises:
            Blocked: somebody has rolled it back, or accepted it.
            Condemned: its way back has begun.
        """
        run = read_run(conn, self.run_id)
        if run is None:
            self._begin(conn)
        elif run.is_being_rolled_back:
            raise being_rolled_back(run.condemned or "")
        elif run.state not in ("applying", "applied"):
            raise Blocked(f"Run {self.run_id} is {run.state}, not unfinished")

    def assert_begun_with(self, conn: Conn, steps: Sequence[OnlineStep]) -> None:
        """Another version of the planner may number its steps otherwise.

        Raises:
            Blocked: what is recorded are no steps of this plan.
        """
        planned = {step.number: step.summary for step in steps}
        for row in rows(conn, "select_steps", run_id=self.run_id):
            if planned.get(row["number"]) != row["summary"]:
                flight = self._flight
                version, target = flight.migration.version, flight.target.name
                raise Blocked(
                    f"Run {self.run_id} was begun with another plan: its step"
                    f" {row['number']} was {row['summary']}",
                    "Finish it with the version of pgflight that began it, or roll it"
                    f" back: {command('rollback', version, target)}",
                )

    def start(self, conn: Conn, step: OnlineStep) -> Entry:
        """Note a step before anything of it is done; returns it as it was noted first.

        Raises:
            ApplyFailed: something that it makes is there already, and not by us.
        """
        entry = self.entry(conn, step)
        if entry:
            return entry
        undo = [made.undo for made in reversed(step.makes) if _is_new(conn, step, made)]
        values = {"run_id": self.run_id, "number": step.number}
        conn.execute(
            query("start_step"), {**values, "summary": step.summary, "undo": undo}
        )
        return Entry("running", tuple(undo), 0)

    def entry(self, conn: Conn, step: OnlineStep) -> Entry | None:
        """A step as it was noted; None before it was begun."""
        found = rows(conn, "select_step", run_id=self.run_id, number=step.number)
        if not found:
            return None
        row = found[0]
        return Entry(row["state"], tuple(row["undo"]), row["next_block"])

    def advance(
        self, conn: Conn, step: OnlineStep, next_block: int, filled: int
    ) -> None:
        """Note how far a backfill has come, with the rows of its last batch."""
        self._update("advance_step", conn, step, next_block=next_block, rows=filled)

    def end(self, conn: Conn, step: OnlineStep, state: str = "done") -> None:
        """Note that a step is done, or undone."""
        self._update("end_step", conn, step, state=state)

    def finish(self, conn: Conn) -> int:
        """Note that everything is applied; returns the rows filled in all steps."""
        values = {"run_id": self.run_id}
        if conn.execute(query("finish_online_run"), values).rowcount:
            self._tell(conn, "applied", "all steps are done")
        run = read_run(conn, self.run_id)
        assert run
        return run.rows_filled

    def _begin(self, conn: Conn) -> None:
        migration = self._flight.migration
        conn.execute(
            query("insert_online_run"),
            {
                "run_id": self.run_id,
                "version": migration.version,
                "name": migration.name,
                "checksum": migration.up.checksum,
                "fingerprint_before": Jsonb(take_fingerprint(conn)),
            },
        )
        note_rights(conn, self._flight)
        self._tell(conn, "applying", "step by step")

    def _tell(self, conn: Conn, kind: Kind, detail: str) -> None:
        flight = self._flight
        version = flight.migration.version
        append_event(conn, Event(flight.run_id, self.run_id, version, kind, detail))

    def _update(
        self, name: str, conn: Conn, step: OnlineStep, **values: object
    ) -> None:
        numbered = {"run_id": self.run_id, "number": step.number}
        conn.execute(query(name), {**numbered, **values})


def _is_new(conn: Conn, step: OnlineStep, made: Made) -> bool:
    """Whether the step will make it; what was there before is not ours to undo."""
    # The planner's own SELECT, which quotes the names that it takes from up.sql.
    found = conn.execute(sql.SQL(made.exists)).fetchone()
    exists = bool(found and next(iter(found.values())))
    if exists and made.must_be_new:
        raise ApplyFailed(f"{step.where}: {made.name} is there already")
    return not exists
