"""A URL that leads to another server than at the last accepted deployment."""

import pytest
from prefect.variables import Variable

from flows.demo.world import World
from flows.migration.flight import Flight
from flows.migration.outcome import Outcome
from flows.migration.target import target_from_environment
from flows.tasks import pinned
from tests.fix_prefect import Fly
from tests.tasks.test_publishing import within_a_run


@pytest.fixture
def name(deploy: Fly, world: World) -> str:
    """Of the variable that an accepted deployment has left."""
    from flows.tasks.pinned import variable_of

    assert deploy().outcome is Outcome.DEPLOYED
    return variable_of(target_from_environment({"DATABASE_URL": world.owner_url}))


def test_server_that_was_exchanged_is_refused(
    name: str, deploy: Fly, roll_back: Fly, world: World
) -> None:
    value = Variable.get(name)
    assert isinstance(value, dict)
    assert str(value["identity"]).startswith(f"{world.database}@")
    assert "password" not in str(value) and "@127" not in str(value)
    Variable.set(name, {**value, "identity": f"{world.database}@1"}, overwrite=True)
    for report in (deploy(), roll_back()):
        assert report.outcome is Outcome.BLOCKED
        assert "earlier deployments went (Prefect, for this host" in report.errors[0]


def test_silent_prefect_is_not_waited_for(
    prefect: None, flight: Flight, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would keep an accepted run from its end, and its claim, for over a minute."""
    monkeypatch.setattr(pinned, "PATIENCE_S", 0.5)

    def ask() -> None:
        pinned.remember(flight.target, flight.identity)
        assert pinned.remembered(flight.target) is None

    assert within_a_run(ask, is_silent=True) < 60
