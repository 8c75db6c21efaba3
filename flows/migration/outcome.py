"""How a run ends: one closed enum, an exit code each."""

from enum import StrEnum


class Outcome(StrEnum):
    """What the database holds when a run is over.

    The exit codes are a contract with CI: 0 means that the migration is in
    place, everything else names what happened. 1 and 2 are left to crashes of
    Python and to wrong usage of the command line.
    """

    NOTHING_TO_DO = "NOTHING_TO_DO"
    """Already applied; nothing was sent but questions."""
    DEPLOYED = "DEPLOYED"
    """Committed, verified, smoke-tested and accepted."""
    RESTORED = "RESTORED"
    """All that rollbacks had saved is put back."""
    BLOCKED = "BLOCKED"
    """Refused, busy, or the locks were not to be had: nothing was written."""
    ROLLED_BACK = "ROLLED_BACK"
    """As before: it never committed, or the rollback took it back."""
    ROLLBACK_FAILED = "ROLLBACK_FAILED"
    """The migration is bad and could not be taken back: a person must act."""
    NEEDS_DECISION = "NEEDS_DECISION"
    """Inconclusive: left as it is, a person decides."""
    UNKNOWN = "UNKNOWN"
    """The database cannot be asked what became of the COMMIT."""

    @property
    def exit_code(self) -> int:
        return _EXIT_CODES[self]

    @property
    def is_success(self) -> bool:
        return self.exit_code == 0


_EXIT_CODES = {
    Outcome.DEPLOYED: 0,
    Outcome.NOTHING_TO_DO: 0,
    Outcome.RESTORED: 0,
    Outcome.BLOCKED: 10,
    Outcome.ROLLED_BACK: 20,
    Outcome.ROLLBACK_FAILED: 30,
    Outcome.NEEDS_DECISION: 40,
    Outcome.UNKNOWN: 50,
}
