"""How late a run may begin: what was right last night may be wrong this morning."""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from flows.migration.errors import Blocked

Lateness = Annotated[float, Field(gt=0, le=10_080)]
AN_HOUR: Lateness = 60


def assert_in_time(planned: datetime, now: datetime, most_minutes: float) -> None:
    """A run that was to begin long ago does not begin.

    Raises:
        Blocked: it begins later than that.
    """
    late = now - planned
    if late <= timedelta(minutes=most_minutes):
        return
    raise Blocked(
        f"Too late: it was to begin at {planned:%Y-%m-%d %H:%M %Z}, and began"
        f" {late.total_seconds() / 60:,.0f} minutes after that",
        "Retry, or start it anew, if it is still wanted. latest_start_minutes"
        f" ({most_minutes:g}) says how late a run may begin.",
    )
