"""What was measured: one round of one arm, and the medians of several."""

from collections.abc import Iterator, Sequence
from operator import attrgetter
from statistics import median
from typing import TypeVar

from pydantic import BaseModel

from flows.migration.errors import BadInput


class Stream(BaseModel):
    """What one of the application's two processes saw.

    Attributes:
        longest_ms: of the slowest statement, from the moment it was due: one that
            had to queue behind a slow one waited as well.
        first_error: empty where there was none.
    """

    statements: int
    longest_ms: float
    errors: int
    first_error: str = ""


class Round(BaseModel):
    """One run of the migration by one arm, on a copy of its own.

    Attributes:
        wall_ms: of the migration; for pgflight from its first statement to its last,
            for the others from the start of their process to its end.
        peak_mb: most resident memory of pgflight's process, in MB of 10**6 bytes.
        locked_ms: how long pgflight held its longest lock, as it reports itself.
        failure: why the migration did not get through; empty where it did.
        older: the day, where it was measured before the other figures.
    """

    users: int
    arm: str
    wall_ms: float
    writes: Stream
    reads: Stream
    peak_mb: float | None = None
    locked_ms: float | None = None
    failure: str = ""
    older: str = ""

    @property
    def write_stall_ms(self) -> float:
        return self.writes.longest_ms

    @property
    def read_stall_ms(self) -> float:
        return self.reads.longest_ms

    @property
    def stall_ms(self) -> float:
        return max(self.write_stall_ms, self.read_stall_ms)

    @property
    def errors(self) -> int:
        return self.writes.errors + self.reads.errors


class Share(BaseModel):
    """What Prefect adds to one flight of the flow deploy-migration, in seconds.

    Attributes:
        by_itself_s: the flow without Prefect's engine, in a warm process.
        import_s: what that process imported before, Prefect among it.
        run_s: the flow run, from its start to its end as the server has them.
        first_step_s: from Enter on `pgflight deploy` to the start of the first step.
        older: as in `Round`.
    """

    users: int
    by_itself_s: float
    import_s: float
    run_s: float
    first_step_s: float
    older: str = ""

    @property
    def added_s(self) -> float:
        """What the run took longer than the flow by itself."""
        return self.run_s - self.by_itself_s


class Machine(BaseModel):
    """Where it was measured."""

    processors: int
    memory_gb: float
    system: str
    postgresql: str


Measured = TypeVar("Measured", Round, Share)


class Figures(BaseModel):
    """All rounds of one benchmark, and what was kept of those before it."""

    measured_on: str
    machine: Machine
    settings: dict[str, str]
    rounds: list[Round] = []
    shares: list[Share] = []

    def share(self, quantity: str) -> float | None:
        """Median of an attribute of `Share`; None where it was not measured."""
        values = [attrgetter(quantity)(one) for one in self.shares]
        return median(values) if values else None

    @property
    def sizes(self) -> list[int]:
        """The numbers of users that were measured, smallest first."""
        return sorted({one.users for one in self.rounds})

    @property
    def arms(self) -> list[str]:
        """The arms that were measured, in their order."""
        return list(dict.fromkeys(one.arm for one in self.rounds))

    @property
    def days(self) -> list[str]:
        """On which they were measured."""
        rounds = {one.older or self.measured_on for one in self.rounds}
        shares = {one.older or self.measured_on for one in self.shares}
        return sorted({self.measured_on, *rounds, *shares})

    def assert_comparable(self, older: "Figures") -> None:
        """Raises BadInput where the older ones are of another machine."""
        if self.machine != older.machine:
            raise BadInput(
                f"The figures that are kept are of another machine: {older.machine}",
                "Measure all arms anew, without --arms; or leave --docs out.",
            )

    def beside(self, older: "Figures") -> "Figures":
        """These, and of the older ones what was not measured again."""
        measured = {(one.users, one.arm) for one in self.rounds}
        kept = [one for one in older.rounds if (one.users, one.arm) not in measured]
        order = list(dict.fromkeys([*older.arms, *self.arms]))
        rounds = [*self.rounds, *map(older.dated, kept)]
        shares = self.shares or list(map(older.dated, older.shares))
        return self.model_copy(
            update={
                "rounds": sorted(rounds, key=lambda one: order.index(one.arm)),
                "shares": shares,
            }
        )

    def dated(self, one: Measured) -> Measured:
        """One of these figures, with its day."""
        return one.model_copy(update={"older": one.older or self.measured_on})

    def of(self, users: int, arm: str) -> list[Round]:
        """The rounds of one arm in which the migration got through."""
        return [one for one in self._all(users, arm) if not one.failure]

    def failures(self, users: int, arm: str) -> int:
        return sum(1 for one in self._all(users, arm) if one.failure)

    def median(self, users: int, arm: str, quantity: str) -> float | None:
        """Median over the rounds of an attribute of `Round`; None where unknown."""
        values = [attrgetter(quantity)(one) for one in self.of(users, arm)]
        known = [value for value in values if value is not None]
        return median(known) if known else None

    def points(self, arm: str, quantity: str) -> Sequence[tuple[int, float]]:
        """Users and median, for each size at which the arm has one."""
        medians = ((users, self.median(users, arm, quantity)) for users in self.sizes)
        return [(users, value) for users, value in medians if value is not None]

    def _all(self, users: int, arm: str) -> Iterator[Round]:
        return (one for one in self.rounds if (one.users, one.arm) == (users, arm))
