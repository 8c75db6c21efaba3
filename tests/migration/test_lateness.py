"""How late a run may begin."""

from datetime import UTC, datetime, timedelta

import pytest

from flows.migration.errors import Blocked
from flows.migration.lateness import assert_in_time

PLANNED = datetime(2026, 11, 27, 2, tzinfo=UTC)


@pytest.mark.parametrize("minutes", [-1, 0, 60])
def test_in_time(minutes: int) -> None:
    assert_in_time(PLANNED, PLANNED + timedelta(minutes=minutes), 60)


def test_too_late_says_when_it_was_to_begin() -> None:
    with pytest.raises(Blocked, match="2026-11-27 02:00 UTC, and began 312 minutes"):
        assert_in_time(PLANNED, PLANNED + timedelta(minutes=312), 60)
