"""Plans of a few lines of SQL."""

from collections.abc import Callable

import pytest

from flows.migration.online.refused import NotOnline
from flows.migration.online.rewrite import plan_online
from flows.migration.online.steps import OnlineStep
from tests.fix_scripts import Read

Plan = Callable[[str], tuple[OnlineStep, ...]]
Refusal = Callable[[str], str]


@pytest.fixture
def plan(read: Read) -> Plan:
    return lambda sql: plan_online(read(sql))


@pytest.fixture
def step(plan: Plan) -> Callable[[str], OnlineStep]:
    """The last step of a plan."""
    return lambda sql: plan(sql)[-1]


@pytest.fixture
def refusal(plan: Plan) -> Refusal:
    """Why it is refused; empty when it is not."""

    def refusal(sql: str) -> str:
        try:
            plan(sql)
        except NotOnline as error:
            return str(error)
        return ""

    return refusal
