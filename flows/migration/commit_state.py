"""What is known of a transaction's COMMIT."""

from enum import StrEnum


class CommitState(StrEnum):
    """Where a COMMIT stands, as far as anybody can say.

    Only NOT_SENT and RECONCILED_ABORTED allow another try.
    """

    NOT_SENT = "NOT_SENT"
    """Whatever happens now leaves nothing behind."""
    SENT = "SENT"
    """On its way: an error from here on says nothing about what became of it."""
    ACKED = "ACKED"
    """The server has answered."""
    RECONCILED_COMMITTED = "RECONCILED_COMMITTED"
    """The answer was lost; behind the fence the ledger has the transaction's row."""
    RECONCILED_ABORTED = "RECONCILED_ABORTED"
    """The answer was lost; behind the fence the ledger has no such row."""
    UNKNOWN = "UNKNOWN"
    """The answer was lost, and the ledger could not be asked."""
