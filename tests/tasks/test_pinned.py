"""A URL that leads to another server than at the last accepted deployment."""

import pytest
from prefect.variables import Variable

from flows.demo.world import World
from flows.migration.outcome import Outcome
from flows.migration.target import target_from_environment
from tests.fix_prefect import Fly


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
