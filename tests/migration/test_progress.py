"""A look at a long step, for a person and for a bar."""

from flows.migration.progress import Progress


def test_progress_says_rate_and_time_left() -> None:
    look = Progress("UPDATE t", 0.25, 5_000, 10.0)
    assert look == "UPDATE t: 25%, 5,000 rows, 500 rows/s, about 30 s left"
    assert (look.subject, look.share, look.is_over) == ("UPDATE t", 0.25, False)


def test_progress_of_reading_has_no_rows() -> None:
    assert (
        Progress("CREATE INDEX i", 0.5, 0, 1.0) == "CREATE INDEX i: 50%, about 1 s left"
    )


def test_progress_that_is_over_has_nothing_left() -> None:
    look = Progress("UPDATE t", 1.0, 10, 2.0)
    assert (look, look.is_over) == ("UPDATE t: 100%, 10 rows, 5 rows/s", True)


def test_progress_that_has_not_begun_divides_by_nothing() -> None:
    assert Progress("UPDATE t", 0.0, 0, 0.0) == "UPDATE t: 0%"


def test_progress_that_waits_to_begin_says_no_time_left() -> None:
    """An index build waits for older transactions, however long these take."""
    assert Progress("CREATE INDEX i", 0.0, 0, 7.0) == "CREATE INDEX i: 0%"
