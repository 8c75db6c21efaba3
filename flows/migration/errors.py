"""Everything that can go wrong, as one tree.

PgflightError
├── BadInput                 a file, key, variable or argument is wrong
│   ├── MigrationError       … in a migration's files
│   └── TargetError          … in the target
├── ConnectionFailed         the server was not reached, or went away
│   ├── ConnectionRefused    … and asking again will not help
│   └── FenceLost            … with the fence that an online deployment holds
├── QueryFailed              the server refused a question of pgflight's own
├── Blocked                  may not be deployed now; nothing written
│   ├── NotCleared           … because preflight found reasons
│   ├── NotInPlace           … because there is nothing to roll back
│   ├── Busy                 another deployer holds the fence
│   ├── Declined             somebody was asked, and decided against it
│   └── LocksNotObtained     every rung of the lock-timeout ladder failed
├── ApplyFailed              the transaction was rolled back
│   ├── StatementFailed      … because the server refused a statement
│   ├── BudgetExceeded       … because the budget was used up
│   └── ChecksFailed         … because what it made is not what was expected
├── SmokeFailed              the application answers wrongly since the COMMIT
├── Condemned                an earlier run began to take it back, and did not end
├── NotReplicated            committed here, and confirmed by no standby
├── Inconclusive             cannot be judged: a person decides
│   └── InTheWay             … because a rollback would take others' objects along
├── RollbackFailed           the way back failed
└── CommitUnknown            COMMIT was sent and nobody can say what became of it

Each error carries the outcome that a run ends with when nothing else happens.
"""

from typing import ClassVar

from flows.migration.outcome import Outcome


class PgflightError(Exception):
    """Root of the tree.

    Args:
        message: what is wrong, and where.
        help: what to do next; empty where the message already says it.
    """

    outcome: ClassVar[Outcome] = Outcome.BLOCKED

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message, help)
        self.message = message
        self.help = help

    def __str__(self) -> str:
        return f"{self.message}\n{self.help}" if self.help else self.message


class BadInput(PgflightError):
    """A file, key, variable or argument is wrong; nothing was written."""


class MigrationError(BadInput):
    """A migration's files are wrong. The message starts with file:line:column."""


class TargetError(BadInput):
    """The target is not configured, or is not what was expected."""


class ConnectionFailed(PgflightError):
    """The server was not reached, or went away. Worth trying again."""


class ConnectionRefused(ConnectionFailed):
    """The server answered, and the answer will not change: password, database, role."""


class FenceLost(ConnectionFailed):
    """The connection that holds the fence went away. The deployment goes on from its
    journal, with a new one; a single step of it must not be tried again."""


class QueryFailed(PgflightError):
    """The server refused a question of pgflight's own: a right or a version lacks."""


class Blocked(PgflightError):
    """The migration may not be deployed now; nothing was written."""


class NotCleared(Blocked):
    """Preflight found reasons; the message has one line for each."""


class NotInPlace(Blocked):
    """The migration is not in place: nothing to roll back."""


class Busy(Blocked):
    """Another deployer holds the fence; the message says who and since when."""


class Declined(Blocked):
    """Somebody was asked for an approval; the message says who declined, and why."""


class LocksNotObtained(Blocked):
    """Every rung of the lock-timeout ladder failed; the message names the blockers."""


class ApplyFailed(PgflightError):
    """The transaction was rolled back: the database is as before."""

    outcome = Outcome.ROLLED_BACK


class StatementFailed(ApplyFailed):
    """The server refused a statement; the message names file, line and column."""

    def __init__(self, message: str, help: str, sqlstate: str | None) -> None:
        super().__init__(message, help)
        self.sqlstate = sqlstate


class BudgetExceeded(ApplyFailed):
    """The budget was used up, and the server ended the transaction."""


class ChecksFailed(ApplyFailed):
    """What the migration made is not what was expected."""


class SmokeFailed(PgflightError):
    """The application answered wrongly, and had answered rightly before."""

    outcome = Outcome.ROLLED_BACK


class Condemned(PgflightError):
    """A rollback was begun by a run that did not live to its end: it goes on."""

    outcome = Outcome.ROLLED_BACK


class Inconclusive(PgflightError):
    """Neither good nor bad could be shown: left as it is, a person decides."""

    outcome = Outcome.NEEDS_DECISION


class NotReplicated(PgflightError):
    """Committed on the primary; a failover now would lose it. Nothing is taken back."""

    outcome = Outcome.NEEDS_DECISION


class InTheWay(Inconclusive):
    """Others have built on what a rollback would drop; the message names all of it."""


class RollbackFailed(PgflightError):
    """The way back failed; the message says what the database holds now."""

    outcome = Outcome.ROLLBACK_FAILED


class CommitUnknown(PgflightError):
    """COMMIT was sent, its answer was lost, and the ledger cannot be asked."""

    outcome = Outcome.UNKNOWN


NOT_CONFIRMED = (
    "Committed, not replicated: no synchronous standby has confirmed it, and a failover"
    " now would lose it. The wait was ended so that the application got its locks back"
)


def being_rolled_back(reason: str) -> Condemned:
    """The error of a deployment that finds a rollback that has begun."""
    return Condemned(
        "An earlier run began to roll this migration back and did not get to the"
        f" end; it was because: {reason}",
        "Once it is rolled back, run again to deploy it.",
    )


def not_replicated() -> NotReplicated:
    """The error of a COMMIT that was given up waiting for."""
    return NotReplicated(
        NOT_CONFIRMED,
        "Repair the standby (pg_stat_replication; synchronous_standby_names), then run"
        " again: it goes on from here.",
    )
