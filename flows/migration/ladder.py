"""The lock-timeout ladder: how often, how long and how patiently to ask for a lock."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rung:
    """One attempt.

    Attributes:
        lock_timeout_ms: longest wait for any one lock. The application queues
            behind us that long, so it stays below the budget.
        pause_ms: how long the application is left alone before the next attempt.
    """

    lock_timeout_ms: int
    pause_ms: int


def ladder(deadlock_timeout_ms: int, budget_ms: int) -> tuple[Rung, ...]:
    """The attempts, in order; there is no unlimited last one.

    Two rungs lie above the server's deadlock_timeout: only a waiter's deadlock
    check cancels an autovacuum, so a ladder below it would ask in vain until the
    vacuum ends (measured: 500, 500 and 900 ms failed, 1,500 ms had the lock after
    1.01 s with the default of 1 s). No rung takes more than three quarters of the
    budget, so that something is left to work with.
    """
    patient_ms = deadlock_timeout_ms + 500
    most_ms = budget_ms * 3 // 4
    return tuple(
        Rung(min(lock_timeout_ms, most_ms), pause_ms)
        for lock_timeout_ms, pause_ms in (
            (200, 500),
            (200, 1_000),
            (500, 2_000),
            (500, 4_000),
            (patient_ms, 8_000),
            (500, 15_000),
            (patient_ms, 0),
        )
    )
