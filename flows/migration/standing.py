"""A standing: where one migration stands in one database."""

from datetime import datetime

from pydantic import BaseModel


class Standing(BaseModel):
    """One line of ``pgflight status``.

    Attributes:
        state: pending, on hold, applied, verified, accepted or rolled back.
        note: why it is on hold, or what does not fit.
    """

    version: str
    name: str
    state: str
    since: datetime | None = None
    by: str = ""
    note: str = ""
