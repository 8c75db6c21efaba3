"""A step: what it repeats, and how its failures show."""

import logging
from collections.abc import Callable

import pytest
from prefect import flow
from prefect.settings import PREFECT_RESULTS_PERSIST_BY_DEFAULT, temporary_settings

from flows.migration.errors import (
    Blocked,
    ConnectionFailed,
    ConnectionRefused,
    PgflightError,
)
from flows.tasks.step import Step, changing_step, reading_step


class Counter:
    """Raises an error until it was called often enough."""

    def __init__(self, error: PgflightError, failures: int) -> None:
        self.calls = 0
        self._error = error
        self._failures = failures

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self._failures:
            raise self._error
        return "done"


@pytest.fixture(autouse=True)
def quick(prefect: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses between attempts."""
    monkeypatch.setattr("flows.tasks.step.exponential_backoff", lambda _: [0.0])


def run(step: Step[[], str]) -> str:
    """Run a step inside a flow, as it is meant to be."""

    @flow(name="test", persist_result=False)
    def body() -> str:
        return step()

    return body()


def reading(counter: Counter) -> Step[[], str]:
    def look() -> str:
        return counter()

    return reading_step("look")(look)


def changing(counter: Counter) -> Step[[], str]:
    def change() -> str:
        return counter()

    return changing_step("change")(change)


def test_reading_step_survives_connection_errors() -> None:
    counter = Counter(ConnectionFailed("gone"), failures=2)
    assert run(reading(counter)) == "done"
    assert counter.calls == 3


@pytest.mark.parametrize("error", [Blocked("no"), ConnectionRefused("password")])
def test_reading_step_repeats_nothing_else(error: PgflightError) -> None:
    counter = Counter(error, failures=1)
    with pytest.raises(type(error)):
        run(reading(counter))
    assert counter.calls == 1


def test_reading_step_gives_up() -> None:
    counter = Counter(ConnectionFailed("gone"), failures=100)
    with pytest.raises(ConnectionFailed):
        run(reading(counter))
    assert counter.calls == 5


def test_changing_step_is_never_repeated() -> None:
    counter = Counter(ConnectionFailed("gone"), failures=1)
    with pytest.raises(ConnectionFailed):
        run(changing(counter))
    assert counter.calls == 1


def test_changing_step_cannot_be_submitted() -> None:
    """In a thread nothing could cancel it: it would commit after all."""
    counter = Counter(Blocked("no"), failures=0)
    assert hasattr(reading(counter), "submit")
    assert not hasattr(changing(counter), "submit")


@pytest.mark.parametrize("make", [reading, changing])
def test_step_is_never_answered_from_a_cache(
    make: Callable[[Counter], Step[[], str]],
) -> None:
    counter = Counter(Blocked("no"), failures=0)
    step = make(counter)

    @flow(name="test")
    def twice() -> None:
        step()
        step()

    with temporary_settings({PREFECT_RESULTS_PERSIST_BY_DEFAULT: True}):
        twice()
    assert counter.calls == 2


def test_failure_shows_as_a_sentence(caplog: pytest.LogCaptureFixture) -> None:
    counter = Counter(Blocked("the reason", "what to do"), failures=1)
    with pytest.raises(Blocked):
        run(changing(counter))
    # The flow of this test lets it through, and has a traceback; the task has none.
    records = [r for r in caplog.records if r.name == "prefect.task_runs"]
    shown = [r for r in records if "the reason" in r.getMessage()]
    assert shown
    assert not any(record.exc_info and record.exc_info[0] for record in shown)


def test_mistake_of_our_own_shows_its_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def look() -> str:
        return str(1 / 0)

    with pytest.raises(ZeroDivisionError), caplog.at_level(logging.ERROR):
        run(reading_step("look")(look))
    # The flow of this test lets it through, and has a traceback of its own.
    records = [r for r in caplog.records if r.name == "prefect.task_runs"]
    assert [r.exc_info[0] for r in records if r.exc_info] == [ZeroDivisionError]


def test_plain_needs_no_prefect() -> None:
    counter = Counter(Blocked("no"), failures=0)
    assert reading(counter).plain() == "done"
