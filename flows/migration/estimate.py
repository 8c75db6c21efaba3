"""How long steps will take, from the sizes of the tables and what the server has shown.

An estimate is for choosing a strategy and for a person's patience, not a promise: the
server holds the budget, whatever was expected.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from flows.migration.effort import Effort

BASE_MS = 100.0
"""Fence, fingerprint, checks and COMMIT of a migration on empty tables (measured)."""
BRIEF_MS = 5.0
"""A short step online, with its connection and its entry in the journal: 15 ms, of
which the lock is held for 2 to 3 (measured)."""


@dataclass(frozen=True)
class Rates:
    """Rows a second; measured on 2 cores, for as long as the ledger knows no better.

    Attributes:
        fill: that one transaction fills, indexes and checks.
        fill_online: in batches, beside a working application.
        scan: that an index build or the check of a constraint reads.
    """

    fill: float = 40_000
    fill_online: float = 50_000
    scan: float = 800_000


@dataclass(frozen=True)
class Outlook:
    """What is known of the database beforehand.

    Attributes:
        rows: by table, as the migration writes its name; tables that it makes itself
            are not there, and count as empty.
        partitioned: of these, those that are partitioned.
        others: names that are no tables at all, such as views.
    """

    rows: Mapping[str, int] = field(default_factory=dict)
    rates: Rates = field(default_factory=Rates)
    partitioned: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()

    def milliseconds(self, efforts: Iterable[Effort], *, is_online: bool) -> float:
        """Expected time of one step with this work."""
        rates = self.rates
        fill = rates.fill_online if is_online else rates.fill
        return BRIEF_MS + sum(
            self.rows.get(effort.table, 0)
            / (fill if effort.kind == "fill" else rates.scan)
            * 1_000
            for effort in efforts
        )
