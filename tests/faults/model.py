"""What the users of a world have done, as their application was told."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

import psycopg

Value = object


@dataclass
class Cell:
    """What one value may be: more than one while an answer is out, or was lost.

    Attributes:
        is_doubtful: nobody knows whether any change of it ever came through.
    """

    possible: set[Value]
    is_doubtful: bool = False

    @contextmanager
    def changing(self, value: Value) -> Iterator[None]:
        """Somebody sends a change, and hears of it, or not."""
        before, was_doubtful = self.possible, self.is_doubtful
        self.possible, self.is_doubtful = before | {value}, was_doubtful or not before
        try:
            yield
        except psycopg.Error as error:
            if error.sqlstate and not error.sqlstate.startswith("57"):
                self.possible, self.is_doubtful = before, was_doubtful
            raise
        self.possible, self.is_doubtful = {value}, False


@dataclass
class Model:
    """What must be found in the database.

    Attributes:
        logins: last_login_at by user.
        choices: by the number of the column (it is a new one after each rollback) and
            by user, the organization that was chosen.
        newcomers: emails of users that have come; True where that is certain.
        filled: what the backfill gives, by user; None for who is in no organization.
        stalls: the longest wait of a statement, in seconds, by its kind.
        errors: what the application was told and should not have been.
    """

    filled: dict[UUID, UUID | None]
    untouched: str
    logins: dict[UUID, Cell] = field(default_factory=dict)
    choices: dict[int, dict[UUID, Cell]] = field(default_factory=dict)
    newcomers: dict[str, bool] = field(default_factory=dict)
    stalls: dict[str, float] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def choice(self, attnum: int, user: UUID) -> Cell:
        of_column = self.choices.setdefault(attnum, {})
        return of_column.setdefault(user, Cell(set()))

    def login(self, user: UUID) -> Cell:
        return self.logins[user]

    def note_stall(self, kind: str, seconds: float) -> None:
        self.stalls[kind] = max(seconds, self.stalls.get(kind, 0.0))

    @property
    def longest_stall(self) -> float:
        return max(self.stalls.values(), default=0.0)
