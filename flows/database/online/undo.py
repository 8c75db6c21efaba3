"""Taking back the steps of an online deployment that failed."""

from collections.abc import Sequence

from flows.database.connection import commit_locally
from flows.database.fingerprint import (
    differences,
    differing,
    of_others,
    take_fingerprint,
)
from flows.database.ledger import read_fingerprints, read_run, record_state
from flows.database.online.brief import undo_brief
from flows.database.online.crew import Crew
from flows.database.online.index import undo_index
from flows.migration.errors import (
    Busy,
    CommitUnknown,
    ConnectionFailed,
    NotReplicated,
    PgflightError,
    RollbackFailed,
)
from flows.migration.functions import changes_functions_only, functions_created
from flows.migration.mentions import mentions_of
from flows.migration.online.steps import OnlineStep
from flows.migration.online.trees import parsed

_LEAVE_AS_IT_IS = (Busy, ConnectionFailed, CommitUnknown, NotReplicated)
"""Nobody knows what the database holds, or somebody is at work in it: the next run
goes on from the journal."""


def undo_all(crew: Crew, steps: Sequence[OnlineStep], error: BaseException) -> None:
    """Take back every step that was begun, the last one first, and prove it.

    Raises:
        RollbackFailed: with both errors; what is left is in the journal.
    """
    if isinstance(error, _LEAVE_AS_IT_IS):
        return
    # Said before, not after: a second signal may end this too.
    crew.say(f"Taking back what was done, because of {_told(error)}")
    try:
        for step in reversed(steps):
            _undo(crew, step, steps)
        _close(crew, error)
    except PgflightError as second:
        raise RollbackFailed(
            f"{error}\nThen the way back failed:\n{second.message}",
            "Run again: the deployment goes on from where it is. pgflight.step has the"
            " statements that take each step back.",
        ) from error


def _undo(crew: Crew, step: OnlineStep, steps: Sequence[OnlineStep]) -> None:
    with crew.journal.session() as conn:
        entry = crew.journal.entry(conn, step)
    if entry is None or entry.state == "undone":
        return
    if step.kind == "brief" and entry.state == "running":
        # Its transaction would have ended the entry: there is nothing to take back,
        # and no lock to wait for.
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


def _close(crew: Crew, error: BaseException) -> None:
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
        record_state(conn, run, "rolled_back", _told(error), crew.flight.run_id)
        commit_locally(conn)


def _told(error: BaseException) -> str:
    return str(error) or type(error).__name__
