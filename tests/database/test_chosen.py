"""The strategy that was chosen, and the one that is left."""

import threading
from dataclasses import replace

import psycopg
import pytest

from flows.database.chosen import apply_as_chosen
from flows.migration.errors import BudgetExceeded
from flows.migration.flight import Flight
from tests.database.conftest import quiet
from tests.database.online.test_apply import states
from tests.fix_flight import MakeFlight

SLOW = (
    "CREATE FUNCTION public.slow() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN PERFORM pg_sleep(0.005); RETURN NEW; END $$;"
    "CREATE TRIGGER slow BEFORE UPDATE ON platform.users"
    " FOR EACH ROW EXECUTE FUNCTION public.slow()"
)


@pytest.fixture
def too_slow(make_flight: MakeFlight, admin: psycopg.Connection) -> Flight:
    """Cleared for one transaction that will take 2.5 s, of a budget of 1 s."""
    flight = make_flight(budget_ms=1_000)
    admin.execute(SLOW)
    return flight


@pytest.mark.parametrize("strategy", ["transactional", "online"])
def test_strategy_that_was_asked_for_is_flown(
    make_flight: MakeFlight, owner, strategy: str
):
    applied = apply_as_chosen(make_flight(strategy=strategy), quiet)
    assert applied.strategy == strategy
    assert states(owner) == [("applied", strategy)]


def test_transaction_that_breaks_the_budget_goes_online(too_slow: Flight, owner):
    said: list[str] = []
    applied = apply_as_chosen(too_slow, said.append)
    assert applied.strategy == "online"
    assert any("nothing was written. Going on in short steps" in line for line in said)
    assert states(owner) == [("applied", "online")]


def test_transaction_that_was_asked_for_does_not_go_online(too_slow: Flight):
    strict = replace(too_slow, choice=replace(too_slow.choice, falls_back=False))
    with pytest.raises(BudgetExceeded):
        apply_as_chosen(strict, quiet)


def test_who_waited_for_the_transaction_in_vain_is_reported(
    too_slow: Flight, app: psycopg.Connection
):
    """The online steps that follow keep nobody waiting that long."""
    innocents: list[threading.Thread] = []

    def say(line: str) -> None:
        if "ADD COLUMN" in line and not innocents:
            read = "SELECT 1 FROM platform.users LIMIT 1"
            innocents.append(threading.Thread(target=app.execute, args=(read,)))
            innocents[0].start()

    applied = apply_as_chosen(too_slow, say)
    innocents[0].join()
    assert applied.strategy == "online"
    assert applied.waits.longest_ms > 500
