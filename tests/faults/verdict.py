"""What a round has shown, and why."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What a round has shown."""

    SURVIVED = "survived"
    LOST = "lost"
    DOUBLED = "doubled"
    MISREPORTED = "misreported"


@dataclass(frozen=True)
class Breach:
    """An invariant that does not hold."""

    invariant: str
    text: str

    @property
    def verdict(self) -> Verdict:
        return _VERDICTS[self.invariant]

    def __str__(self) -> str:
        return f"{self.invariant}: {self.text}"


_VERDICTS = {
    "I1": Verdict.LOST,
    "I2": Verdict.MISREPORTED,
    "I3": Verdict.MISREPORTED,
    "I4": Verdict.LOST,
    "I5": Verdict.LOST,
    "I6": Verdict.DOUBLED,
    "I6 converges": Verdict.LOST,
    "I7": Verdict.MISREPORTED,
    "I8": Verdict.LOST,
}
