"""Handing a table out in ranges, of a size that keeps a batch short."""

import pytest

from flows.database.online.ground import BATCH_MS, FIRST_PAGES, BatchSize, Ground


def test_ranges_cover_the_ground_once():
    ground = Ground(3, 20)
    taken = [ground.take(8), ground.take(8), ground.take(8), ground.take(8)]
    assert taken == [(3, 11), (11, 19), (19, 20), None]


def test_all_is_done_up_to_the_first_range_that_is_not():
    ground = Ground(0, 30)
    for _ in range(3):
        ground.take(10)
    assert ground.done_without(10) == 0
    ground.give_back(0)
    assert ground.done_without(20) == 10
    assert ground.done_without(10) == 20
    ground.give_back(10)
    assert ground.done_without(20) == 30


def test_closed_ground_hands_out_nothing():
    ground = Ground(0, 30)
    ground.close()
    assert ground.take(1) is None


def test_closed_ground_is_not_done():
    """What a worker still writes to the journal is how far all of them have come."""
    ground = Ground(0, 30)
    ground.take(10)
    ground.take(10)
    ground.put_back(0, 10)
    ground.close()
    assert ground.done_without(10) == 0
    assert Ground(0, 30).done_without(0) == 0
    other = Ground(0, 30)
    other.take(10)
    other.close()
    assert other.done_without(0) == 10


@pytest.mark.parametrize(
    ("took_ms", "pages"),
    [
        (BATCH_MS, FIRST_PAGES),
        (BATCH_MS * 1.25, 26),
        (BATCH_MS * 10, FIRST_PAGES // 2),
        (0, FIRST_PAGES * 2),
    ],
)
def test_batch_size_follows_the_time_by_a_factor_of_two(took_ms: float, pages: int):
    size = BatchSize()
    size.adapt(took_ms)
    assert size.pages == pages


def test_batch_has_at_least_one_page():
    size = BatchSize(pages=1)
    size.adapt(10_000)
    assert size.pages == 1
