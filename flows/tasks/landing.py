"""How a flight ends: what is decided once the steps are over, from the ledger."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from prefect.client.schemas.objects import State
from prefect.states import Cancelled, Completed, Failed

from flows.database.condemned import condemn, spare
from flows.database.ledger import Run
from flows.database.logbook import close_flight
from flows.database.unfinished import Unfinished
from flows.database.verify import find_run
from flows.migration.command import command
from flows.migration.errors import (
    BadInput,
    Blocked,
    ChecksFailed,
    CommitUnknown,
    Condemned,
    ConnectionFailed,
    ConnectionRefused,
    InTheWay,
    PgflightError,
    SmokeFailed,
    being_rolled_back,
)
from flows.migration.finding import is_of_wrong_place
from flows.migration.flight import Flight
from flows.migration.outcome import Outcome
from flows.migration.redaction import masked_model
from flows.migration.report import Report, reason_of
from flows.migration.state_name import BUSY, message_of, name_of
from flows.targets import aimed_at, name_aimed_at
from flows.tasks.engine import run_log
from flows.tasks.landed import keep
from flows.tasks.pinned import remember
from flows.tasks.publishing import carry, publish_report


class Landed(PgflightError):
    """A run that did not end well; it carries the report, because a failed state
    can only carry an error."""

    def __init__(self, report: Report) -> None:
        super().__init__("\n".join(report.errors) or str(report.outcome))
        self.report = report


def is_in_place(flight: Flight) -> bool:
    """Whether the ledger has the flight's migration in place.

    Raises:
        CommitUnknown: the ledger cannot be asked.
    """
    run = _run_of(flight)
    return run is not None and run.is_in_place


def _run_of(flight: Flight) -> Run | None:
    try:
        return find_run(flight)
    except PgflightError as error:
        raise CommitUnknown(
            f"The ledger cannot be asked whether the migration is in place: {error}",
            f"Run {command('status', target=flight.target.name)} once the database"
            " answers.",
        ) from None


def must_take_back_own(flight: Flight) -> bool:
    """Whether this very run has committed it, and nobody has accepted it yet.

    False too if nobody can be asked.
    """
    try:
        run = _run_of(flight)
    except CommitUnknown:
        return False
    is_open = run is not None and run.is_in_place and run.state != "accepted"
    return flight.found_as is None and is_open


def condemn_own(flight: Flight, signal: BaseException) -> None:
    """Note it before anything else: if this process is killed now, a recovery must not
    go on with what a person has stopped."""
    # Where it cannot be noted, the way back will say why.
    with suppress(PgflightError):
        condemn(flight, reason_of(signal))


def must_roll_back(flight: Flight, error: BaseException) -> bool:
    """Whether this error condemns a migration that is in place.

    One that was accepted by an earlier run is never taken back by a later one's
    look at it; and whatever proves nothing against it leaves it to a person.
    """
    is_guilty = isinstance(error, ChecksFailed | Condemned | SmokeFailed)
    try:
        return is_guilty and not flight.is_accepted and is_in_place(flight)
    except CommitUnknown:
        return False


def outcome_without_rollback(flight: Flight | None, error: BaseException) -> Outcome:
    """What the run ends with when nothing is taken back."""
    is_signal = not isinstance(error, Exception)
    if flight is None or (is_signal and flight.is_accepted):
        return Outcome.BLOCKED
    own = error.outcome if isinstance(error, PgflightError) else Outcome.ROLLED_BACK
    if own is Outcome.UNKNOWN:
        return own
    # The online strategy takes its own steps back.
    is_stuck = own is Outcome.ROLLBACK_FAILED
    try:
        run = _run_of(flight)
    except CommitUnknown:
        return Outcome.UNKNOWN
    if run is None:
        return own
    is_accepted = run.state == "accepted" and not run.condemned
    if is_accepted and flight.found_state != "accepted":
        # The last word was said; what came after it decides nothing.
        return Outcome.DEPLOYED
    if run.is_being_rolled_back:
        return Outcome.ROLLBACK_FAILED
    if run.is_in_place:
        return own if is_stuck else Outcome.NEEDS_DECISION
    # Something was written, and is taken back.
    return Outcome.ROLLED_BACK if is_stuck or own is Outcome.BLOCKED else own


def name_waiting(report: Report, waiting: Sequence[Unfinished]) -> Report:
    """Close a recovery; what only a person can decide is named, and left alone."""
    target = name_aimed_at()
    for run in waiting:
        again = command("deploy", run.version, target)
        take_back = command("rollback", run.version, target)
        report.errors.append(
            f"{run.version} is {run.state} and waits for a decision"
            f" ({run.last_outcome}): `{again}` tries it again, `{take_back}` takes it"
            " back"
        )
    return report.conclude_all([run.version for run in waiting])


def conclude_taken_back(report: Report, flight: Flight, rollback: Report) -> None:
    """Close the report of a deployment with what became of its rollback."""
    report.take_back(rollback)
    if flight.condemned and rollback.outcome is Outcome.BLOCKED:
        # An earlier run has told of it, and the next recovery tries again: nobody is
        # woken each time that somebody else holds a lock.
        report.conclude(Outcome.BLOCKED)


def conclude_failed_rollback(
    report: Report, flight: Flight | None, error: Exception, *, is_by_hand: bool
) -> None:
    """Close the report of a rollback that did not get to its end.

    Args:
        is_by_hand: nothing is known to be bad. What was not even begun then, for want
            of a connection, is no alarm.
    """
    report.add_error(error)
    if report.applied:
        # It is reverted, and what failed came after: the proof of the whole
        # catalogue was part of the transaction.
        report.conclude(Outcome.ROLLED_BACK)
        return
    own = outcome_without_rollback(flight, error)
    # Nothing was begun where the target itself is refused, such as a pooler.
    refusal = ConnectionFailed if is_by_hand else ConnectionRefused
    is_refused = flight is None and isinstance(error, refusal)
    # Its own note could not be taken back: the next recovery goes on with it.
    is_noted = own is Outcome.ROLLBACK_FAILED and flight and not flight.condemned
    if own is Outcome.UNKNOWN:
        report.conclude(own)
    elif is_refused or (isinstance(error, Blocked | BadInput) and not is_noted):
        report.conclude(Outcome.BLOCKED)
    elif isinstance(error, InTheWay) and own is Outcome.NEEDS_DECISION:
        report.conclude(own)
    elif flight is None or own in (Outcome.NEEDS_DECISION, Outcome.ROLLBACK_FAILED):
        report.conclude(Outcome.ROLLBACK_FAILED)
    else:
        report.conclude(Outcome.ROLLED_BACK)


def conclude_stopped_rollback(
    report: Report, flight: Flight | None, signal: BaseException
) -> None:
    """Close the report of a rollback that a person has stopped, from the ledger.

    What had been accepted is so again: no recovery ends what somebody has stopped.
    """
    report.add_error(signal)
    if flight is None:
        report.conclude(Outcome.BLOCKED)
        return
    # Until it is known: a second signal may end this too.
    report.conclude(Outcome.ROLLED_BACK if report.applied else Outcome.UNKNOWN)
    try:
        run = None if report.applied else _run_of(flight)
        if run is None or not run.is_in_place:
            report.conclude(Outcome.ROLLED_BACK)
        elif flight.is_accepted:
            if run.is_being_rolled_back:
                spare(flight, reason_of(signal))
            report.errors.append(_as_before(flight))
            report.conclude(Outcome.BLOCKED)
        else:
            report.conclude(Outcome.ROLLBACK_FAILED)
    except PgflightError as error:
        report.add_error(error)


def _as_before(flight: Flight) -> str:
    version = flight.migration.version
    return (
        f"The rollback was stopped and nothing was changed: {version} is in place as"
        f" before. `{command('rollback', version, flight.target.name)}` begins it anew"
    )


def conclude_failed_restore(
    report: Report, flight: Flight | None, error: BaseException
) -> None:
    """Close the report of a restore that did not get to its end.

    What it has put back stays, and the next one goes on from there.
    """
    report.add_error(error)
    has_begun = flight is not None and not isinstance(error, Blocked | BadInput)
    report.conclude(Outcome.NEEDS_DECISION if has_begun else Outcome.BLOCKED)


def report_of(state: State[Any]) -> Report:
    """The report that a flow's final state carries."""
    value = state.result(raise_on_failure=False)
    if isinstance(value, Landed):
        return value.report
    if isinstance(value, Report):
        return value
    raise value


def state_of(report: Report) -> State[Any]:
    """Prefect's final state: named after the outcome, failed unless it is a success.

    A run that found another one at work is cancelled, as Prefect's own limits do it:
    nothing failed, and nothing was done.
    """
    report = masked_model(report)
    assert report.outcome is not None
    name, message = name_of(report), message_of(report)
    if report.is_success:
        return Completed(name=name, message=message, data=report)
    if name == BUSY:
        return Cancelled(name=name, message=message, data=Landed(report))
    return Failed(name=name, message=message, data=Landed(report))


def assert_not_condemned(flight: Flight) -> None:
    """A rollback that a killed run has begun is brought to its end first.

    Raises:
        Condemned: so that what is in place is taken back.
    """
    if flight.condemned is not None:
        raise being_rolled_back(flight.condemned)


def log_rollback() -> None:
    """Say that the rollback begins, before it does."""
    run_log().warning("⚠️  Rolling back")


def _is_of_audit(report: Report) -> bool:
    """Whether a flight that never began was one of this very database."""
    changes = report.action in ("deploy", "rollback", "restore")
    rules = {finding.rule for finding in report.blocking}
    is_there = "connection" not in rules and not is_of_wrong_place(report.findings)
    return changes and bool(report.title) and is_there


def close(report: Report, flight: Flight | None) -> None:
    """The last line of the run's log, of its story in the ledger, and its page."""
    report.target_name = name_aimed_at()
    # First: what follows may be interrupted, and whoever did so must see it.
    keep(report)
    if flight:
        try:
            close_flight(flight.target, report, flight.in_place_as)
        except PgflightError as error:
            run_log().warning("The ledger was not told how it ended: %s", error)
        if report.outcome is Outcome.DEPLOYED:
            remember(flight.target, flight.identity)
    elif _is_of_audit(report):
        # It may be the ledger that is refused.
        with suppress(PgflightError):
            close_flight(aimed_at(), report, UUID(report.run_id))
    carry(report)
    run_log().info("%s", report.summary)
    publish_report(report)
