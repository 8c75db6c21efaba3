"""The benchmark in small: 1,000 users, one round, beside a working application."""

import pytest

from tests.benchmarks.arms import IDLE, arms
from tests.benchmarks.figures import Figures, Round
from tests.benchmarks.measure import Course, measure

# These take a second to start, and are run by make bench only.
NOT_HERE = {IDLE, "sqitch", "dbmate"}
RUN = [arm for arm in arms() if not arm.missing and arm.name not in NOT_HERE]
OURS = [arm.name for arm in RUN if arm.is_ours]


@pytest.fixture(scope="module")
def figures() -> Figures:
    course = Course(sizes=[1_000], arms=RUN, rounds=1, lead_s=0.1)
    return measure(course, lambda line: None)


def only_round(figures: Figures, arm: str) -> Round:
    (one,) = [one for one in figures.rounds if one.arm == arm]
    return one


@pytest.mark.parametrize("arm", [arm.name for arm in RUN])
def test_every_arm_gets_the_migration_through(figures: Figures, arm: str) -> None:
    assert only_round(figures, arm).failure == ""


@pytest.mark.parametrize("arm", [arm.name for arm in RUN])
def test_every_arm_is_timed_beside_a_writer_and_a_reader(
    figures: Figures, arm: str
) -> None:
    one = only_round(figures, arm)
    assert one.wall_ms > 1
    assert min(one.writes.statements, one.reads.statements) > 10
    assert min(one.write_stall_ms, one.read_stall_ms) > 0


@pytest.mark.parametrize("arm", OURS)
def test_pgflight_causes_no_application_errors(figures: Figures, arm: str) -> None:
    one = only_round(figures, arm)
    assert (one.writes.first_error, one.reads.first_error) == ("", "")


@pytest.mark.parametrize("arm", OURS)
def test_pgflight_tells_its_memory(figures: Figures, arm: str) -> None:
    peak_mb = only_round(figures, arm).peak_mb
    assert peak_mb is not None and 10 < peak_mb < 300


def test_transactional_tells_its_time_under_lock(figures: Figures) -> None:
    one = only_round(figures, "transactional")
    assert one.locked_ms is not None and 0 < one.locked_ms <= one.wall_ms


def test_prefects_share_is_measured(figures: Figures) -> None:
    (share,) = figures.shares
    assert share.users == 1_000
    assert min(share.by_itself_s, share.import_s, share.run_s, share.first_step_s) > 0
