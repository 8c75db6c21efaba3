"""Taking back the steps of an online deployment that failed, or was stopped."""

from collections.abc import Sequence
from dataclasses import dataclass

from flows.database.attempt import Say
from flows.database.condemned import condemned
from flows.database.connection import Conn, commit_locally
from flows.database.fingerprint import (
    Fingerprint,
    differences,
    differing,
    of_others,
    take_fingerprint,
)
from flows.database.ledger import read_fingerprints, read_run, record_state
from flows.database.online.brief import undo_brief, wait_for_last_step
from flows.database.online.crew import Crew, Felt
from flows.database.online.fence import held_fence
from flows.database.online.index import undo_index
from flows.database.online.journal import Entry, Journal
from flows.migration.errors import (
    Blocked,
    Busy,
    CommitUnknown,
    ConnectionFailed,
    NotReplicated,
    PgflightError,
    RollbackFailed,
)
from flows.migration.flight import Flight
from flows.migration.functions import changes_functions_only, functions_created
from flows.migration.mentions import mentions_of
from flows.migration.online.rewrite import plan_online
from flows.migration.online.steps import OnlineStep
from flows.migration.online.trees import parsed
from flows.migration.report import reason_of

_LEAVE_AS_IT_IS = (Busy, ConnectionFailed, CommitUnknown, NotReplicated)
"""Nobody knows what the database holds, or somebody is at work in it: the next run
goes on from the journal."""


@dataclass(frozen=True)
class Undone:
    """What the steps back have come to.

    Attributes:
        catalogue: what the catalogue is from now on.
        of_others: objects that somebody else has made or changed meanwhile.
    """

    catalogue: Fingerprint
    of_others: list[str]


def undo_all(crew: Crew, steps: Sequence[OnlineStep], error: BaseException) -> None:
    """Take back every step that was begun, the last one first, and prove it.

    Raises:
        RollbackFailed: with both errors; what is left is in the journal.
    """
    if isinstance(error, _LEAVE_AS_IT_IS):
        return
    reason = reason_of(error)
    try:
        crew.fence.assert_held()
        # Noted first: whoever finds it half taken back must not go on forward.
        with condemned(crew.flight, reason, has_fence=True):
            # Said before, not after: a second signal may end this too.
            crew.say(f"Taking back what was done, because of: {reason}")
            _undo_steps(crew, steps, reason)
    except PgflightError as second:
        raise RollbackFailed(
            f"{reason}\nThen the way back failed:\n{second.message}",
            "Run again: it goes on from where it is, back where that was only cut off,"
            " and else forward. pgflight.step has the statements that take each step"
            " back.",
        ) from error


def undo_unfinished(flight: Flight, reason: str, felt: Felt, say: Say) -> Undone | None:
    """Take back what an earlier run has left unfinished, step by step as it would have.

    Returns:
        None where the steps alone cannot, and nothing was done.

    Raises:
        Busy: another deployer is at work.
        PgflightError: a step could not be taken back; what is left is in the journal.
    """
    journal = Journal(flight)
    with held_fence(flight) as fence:
        crew = Crew(flight, fence, journal, say, felt)
        try:
            steps = plan_online(flight.migration.up)
            with journal.session() as conn:
                wait_for_last_step(conn)
                journal.assert_begun_with(conn, steps)
                begun = _begun(crew, conn, steps)
        except Busy:
            raise
        except Blocked:
            # Begun by another version, with other steps.
            return None
        if not all(_can_be_undone(crew, step, steps) for step in begun):
            return None
        return _undo_steps(crew, steps, reason)


def _begun(crew: Crew, conn: Conn, steps: Sequence[OnlineStep]) -> list[OnlineStep]:
    """The steps of which anything may be there."""
    begun = []
    for step in steps:
        entry = crew.journal.entry(conn, step)
        if entry:
            crew.note(step, entry)
            if not _is_gone(step, entry):
                begun.append(step)
    return begun


def _is_gone(step: OnlineStep, entry: Entry) -> bool:
    # The transaction of a brief step would have ended the entry, too.
    never_committed = step.kind == "brief" and entry.state == "running"
    return entry.state == "undone" or never_committed


def _undo_steps(crew: Crew, steps: Sequence[OnlineStep], reason: str) -> Undone:
    for step in reversed(steps):
        _undo(crew, step, steps)
    return _close(crew, reason)


def _undo(crew: Crew, step: OnlineStep, steps: Sequence[OnlineStep]) -> None:
    with crew.journal.session() as conn:
        entry = crew.journal.entry(conn, step)
    if entry is None or entry.state == "undone":
        return
    if _is_gone(step, entry):
        # There is nothing to take back, and no lock to wait for.
        with crew.journal.session() as conn:
            crew.journal.end(conn, step, "undone")
            commit_locally(conn)
        return
    if not _can_be_undone(crew, step, steps):
        raise RollbackFailed(
            f"{step.where}: {step.summary}: the file does not say what was there before"
        )
    if step.kind in ("index", "drop-index"):
        undo_index(crew, step, entry.undo)
    else:
        crew.felt.add(undo_brief(crew, step, entry.undo))


def _can_be_undone(crew: Crew, step: OnlineStep, steps: Sequence[OnlineStep]) -> bool:
    """Where the file does not say what a function was before, the ledger does."""
    if step.kind != "brief":
        return step.is_undoable and crew.is_ours(step)
    nodes = map(parsed, step.statements)
    if not (step.is_undoable or all(map(changes_functions_only, nodes))):
        return False
    texts = [
        text for other in steps if other.kind == "brief" for text in other.statements
    ]
    return crew.found.intersection(step.owns) <= functions_created(map(parsed, texts))


def _close(crew: Crew, reason: str) -> Undone:
    """Note the end in the ledger, if the catalogue is what it was before."""
    with crew.journal.session() as conn:
        run = read_run(conn, crew.journal.run_id)
        assert run is not None
        before, _ = read_fingerprints(conn, run.run_id)
        found = take_fingerprint(conn)
        mentions = mentions_of(crew.flight.migration.up)
        others = of_others(differing(before, found), before, found, found, mentions)
        different = differences(before, found, others)
        if different:
            raise RollbackFailed(
                "The schema is not as before:\n" + "\n".join(different)
            )
        record_state(conn, run, "rolled_back", reason, crew.flight.run_id)
        commit_locally(conn)
    return Undone(found, others)
