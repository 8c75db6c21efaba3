"""What cannot be flown online, why, and what to write instead."""

from collections.abc import Sequence
from dataclasses import dataclass

from flows.migration.errors import Blocked
from flows.migration.script import Statement


class Refused(Exception):
    """Raised by a rule about the statement that it looks at.

    Args:
        reason: why it cannot be flown online.
        help: what to write instead.
    """

    def __init__(self, reason: str, help: str) -> None:
        super().__init__(reason, help)
        self.reason = reason
        self.help = help


@dataclass(frozen=True)
class Obstacle:
    """A statement that cannot be flown online."""

    statement: Statement
    reason: str
    help: str

    def __str__(self) -> str:
        return f"{self.statement.where}: {self.statement.summary}: {self.reason}"


class NotOnline(Blocked):
    """Some statements cannot be flown online; the message has one line for each."""

    def __init__(self, obstacles: Sequence[Obstacle]) -> None:
        super().__init__(
            "\n".join(map(str, obstacles)),
            "\n".join(dict.fromkeys(obstacle.help for obstacle in obstacles)),
        )
        self.obstacles = tuple(obstacles)
