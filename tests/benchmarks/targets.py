"""The numbers that pgflight has to hold, as medians beside psql's in the same run."""

from dataclasses import dataclass
from typing import Literal

from tests.benchmarks.figures import Figures


@dataclass(frozen=True)
class Median:
    """Which median of a benchmark; ``quantity`` is an attribute of `Round`."""

    users: int
    arm: str
    quantity: str

    def read(self, figures: Figures) -> float | None:
        return figures.median(self.users, self.arm, self.quantity)


@dataclass(frozen=True)
class Target:
    """A median that may be at most so much of another, or above it.

    Attributes:
        unit: X for a ratio of the two, ``MB`` for their difference.
    """

    text: str
    measured: Median
    against: Median
    limit: float
    unit: Literal["ratio", "MB"] = "ratio"

    def value(self, figures: Figures) -> float | None:
        """What is held against the limit; None where one of the two is unknown."""
        ours, theirs = self.measured.read(figures), self.against.read(figures)
        if ours is None or not theirs:
            return None
        return ours / theirs if self.unit == "ratio" else ours - theirs

    def verdict(self, figures: Figures) -> str:
        """Reached or missed, and by how much."""
        value = self.value(figures)
        if value is None:
            return "not measured"
        if self.unit == "MB":
            return _held(value, self.limit, "MB")
        word = _word(value, self.limit)
        factor = max(value, self.limit) / min(value, self.limit)
        return f"{word} by a factor of {factor:,.2f}"

    def show(self, value: float | None) -> str:
        """A value of this target, or its limit, as people say it."""
        if value is None:
            return ""
        if self.unit == "MB":
            return f"{value:+.1f} MB"
        return f"{value:.2f}" if value > 0.1 else f"1/{1 / value:,.0f}"


@dataclass(frozen=True)
class Limit:
    """A median of Prefect's shares, in seconds, that may be at most so much."""

    text: str
    quantity: str
    limit: float

    def value(self, figures: Figures) -> float | None:
        return figures.share(self.quantity)

    def verdict(self, figures: Figures) -> str:
        value = self.value(figures)
        return "not measured" if value is None else _held(value, self.limit, "s")

    def show(self, value: float | None) -> str:
        return "" if value is None else f"{value:.1f} s"


def _word(value: float, limit: float) -> str:
    return "reached" if value <= limit else "missed"


def _held(value: float, limit: float, unit: str) -> str:
    return f"{_word(value, limit)} by {abs(limit - value):.1f} {unit}"


def _beside(users: int, arm: str, quantity: str, other: str) -> tuple[Median, Median]:
    return Median(users, arm, quantity), Median(users, other, quantity)


TARGETS: tuple[Target | Limit, ...] = (
    Target(
        "1,000,000 users, auto: longest stall of a write, against psql's",
        *_beside(1_000_000, "auto", "write_stall_ms", "psql-usual"),
        limit=1 / 400,
    ),
    Target(
        "1,000,000 users, auto: longest stall of a read, against psql's",
        *_beside(1_000_000, "auto", "read_stall_ms", "psql-usual"),
        limit=1 / 800,
    ),
    Target(
        "1,000,000 users, auto: time, against psql in the usual order",
        *_beside(1_000_000, "auto", "wall_ms", "psql-usual"),
        limit=0.9,
    ),
    Target(
        "1,000,000 users, auto: time, against psql with the shipped up.sql",
        *_beside(1_000_000, "auto", "wall_ms", "psql-shipped"),
        limit=1.25,
    ),
    Target(
        "auto: our memory at 1,000,000 users, above that at 10,000",
        Median(1_000_000, "auto", "peak_mb"),
        Median(10_000, "auto", "peak_mb"),
        limit=20,
        unit="MB",
    ),
    Target(
        "100,000 users, online: longest stall, against psql's",
        *_beside(100_000, "online", "stall_ms", "psql-usual"),
        limit=1 / 50,
    ),
    Target(
        "10,000 users, transactional: longest stall, against psql's",
        *_beside(10_000, "transactional", "stall_ms", "psql-usual"),
        limit=0.7,
    ),
    Target(
        "10,000 users: time under lock, against that without verification",
        *_beside(10_000, "transactional", "locked_ms", "transactional-unverified"),
        limit=1.1,
    ),
    Limit("deploy-migration as a flow run, above the same by itself", "added_s", 2.5),
    Limit("pgflight deploy: from Enter to its first step", "first_step_s", 3.0),
)
