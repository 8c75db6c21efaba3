"""How far a long step is: a line for a person that a progress bar can read too."""

from typing import Self


class Progress(str):
    """One look at a long step.

    Attributes:
        subject: the step.
        share: of the way, from 0 to 1.
    """

    subject: str
    share: float

    def __new__(cls, subject: str, share: float, rows: int, elapsed_s: float) -> Self:
        """Say it with the rate so far and the time that is left.

        Args:
            rows: written so far; 0 where rows are only read.
        """
        rate = rows / max(elapsed_s, 1e-9)
        written = f", {rows:,} rows, {rate:,.0f} rows/s" if rows else ""
        left_s = elapsed_s / max(share, 1e-9) - elapsed_s
        # Of what has not begun, such as an index build that waits for others to end,
        # nobody can say how long it takes.
        left = f", about {left_s:,.0f} s left" if 0 < share < 1 else ""
        line = super().__new__(cls, f"{subject}: {share:.0%}{written}{left}")
        line.subject, line.share = subject, share
        return line

    @property
    def is_over(self) -> bool:
        return self.share >= 1
