"""A check: one verified expectation."""

from pydantic import BaseModel, ConfigDict

from flows.migration.probe import Verdict


class Check(BaseModel):
    """What became of one expectation.

    Attributes:
        kind: what was looked at: column, index, foreign key, function, owner, object,
            backfill, behaviour, privilege or replica.
        subject: the object's name.
        detail: for a failed check what was expected and what is there; for a
            passed one what was seen.
        is_warning: it passed, and a person should know what the detail says.
    """

    model_config = ConfigDict(frozen=True)

    kind: str
    subject: str
    verdict: Verdict = Verdict.PASS
    detail: str = ""
    is_warning: bool = False

    @property
    def sentence(self) -> str:
        return f"{self.kind} {self.subject}: {self.detail or self.verdict}"


class BackfillCount(BaseModel):
    """The backfill in numbers, at one moment.

    Attributes:
        total: rows in the table.
        filled: rows with a value.
        expected: rows that must have a value.
        missing: rows that must have one and have none.
        wrong: rows with a value that is not right for them.
        excused: missing and wrong rows that other sessions made so meanwhile.
    """

    model_config = ConfigDict(frozen=True)

    total: int
    filled: int
    expected: int
    missing: int
    wrong: int
    excused: int = 0

    def __str__(self) -> str:
        text = (
            f"{self.total:,} rows, {self.filled:,} filled, {self.expected:,} expected,"
            f" {self.missing:,} missing, {self.wrong:,} wrong"
        )
        return f"{text} ({self.excused:,} changed meanwhile)" if self.excused else text
