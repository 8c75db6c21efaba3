"""Whatever the application does meanwhile, an online deployment ends as promised.

PGFLIGHT_TEST_EXAMPLES is how many deployments are tried, for a longer campaign;
PGFLIGHT_TEST_SEED repeats the plans of one, which a failure names.
"""

import os
import random
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import psycopg
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from flows.database.online.apply import apply_online
from flows.demo.server import PostgresServer
from flows.demo.world import World
from flows.migration.progress import Progress
from flows.migration.report import Applied
from tests.database.online.application import DEEDS, Deed, Staff
from tests.database.online.chronicle import faults
from tests.fix_server import clone_world
from tests.fix_stretched import cleared, slow_down

EXAMPLES = int(os.environ.get("PGFLIGHT_TEST_EXAMPLES", "5"))
SEED = int(os.environ.get("PGFLIGHT_TEST_SEED", secrets.randbelow(2**32)))
STEPS = 8

VALUES = "SELECT id, active_org_id FROM platform.users"
GONE = """
SELECT count(*) FROM platform.users AS u
WHERE NOT EXISTS (SELECT FROM platform.organizations WHERE id = u.active_org_id)
  AND u.active_org_id IS NOT NULL
"""
IS_VALID = """
SELECT convalidated AND indisvalid FROM pg_constraint, pg_index
WHERE conname = 'users_active_org_id_fkey'
  AND indexrelid = 'platform.idx_users_active_org'::regclass
"""


@dataclass(frozen=True)
class Plan:
    """What the application does while 008 is deployed.

    Attributes:
        seed: of every choice that the workers make.
        workers: how many of them work all the time.
        pause_s: of each of these, between two deeds.
        mix: how often they do what.
        bursts: how many deeds are done at once after which step.
        backends: that fill rows at the same time.
        row_s: how long it takes to fill one.
    """

    seed: int
    workers: int
    pause_s: float
    mix: dict[Deed, int]
    bursts: list[tuple[int, Deed, int]]
    backends: int
    row_s: float


PLANS = st.builds(
    Plan,
    seed=st.integers(0, 2**32 - 1),
    workers=st.integers(1, 3),
    pause_s=st.sampled_from([0.0, 0.002, 0.01]),
    mix=st.dictionaries(st.sampled_from(DEEDS), st.integers(1, 5), min_size=1),
    bursts=st.lists(
        st.tuples(
            st.integers(1, STEPS), st.sampled_from(DEEDS[2:]), st.integers(1, 10)
        ),
        max_size=6,
    ),
    backends=st.integers(1, 2),
    row_s=st.sampled_from([0.0, 0.001, 0.003]),
)


@given(plan=PLANS)
@seed(SEED)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    # Two runs of one plan differ: what fails once is reported, not made smaller.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_online_beside_anything(
    plan: Plan, server: PostgresServer, stretched_template: str
):
    with clone_world(server, stretched_template) as world:
        with psycopg.connect(server.url(world.database), autocommit=True) as admin:
            slow_down(admin, plan.row_s)
        found = list(_wrongs(world, plan))
    assert not found, f"PGFLIGHT_TEST_SEED={SEED}: {found}"


def _wrongs(world: World, plan: Plan) -> Iterator[str]:
    """Deploy beside the plan's work, and look at what is left."""
    with Staff(world, plan.workers, random.Random(plan.seed)) as staff:
        staff.set_to_work(plan.mix, plan.pause_s)
        began = time.monotonic()
        last_look = _deploy(world, plan, staff)
        ended = time.monotonic()
    with psycopg.connect(world.owner_url) as owner:
        values: dict[UUID, UUID | None] = dict(owner.execute(VALUES).fetchall())
        assert owner.execute(GONE).fetchone() == (0,)
        assert owner.execute(IS_VALID).fetchone() == (True,)
    yield from staff.chronicle.complaints
    yield from faults(staff.chronicle, values, (began, ended), last_look)


def _deploy(world: World, plan: Plan, staff: Staff) -> float:
    """Returns when the last step was over; after it the rows are swept again."""
    said: list[float] = []
    flight = cleared(world, workers=plan.backends)

    def say(line: str) -> None:
        # How far a step is, and that it is tried again, is said as well; the one also
        # by the last sweep, when the look that it begins with is over.
        if isinstance(line, Progress) or line.startswith("Attempt "):
            return
        said.append(time.monotonic())
        for step, deed, times in plan.bursts:
            for _ in range(times if step == len(said) else 0):
                staff.workers[0].do(deed)

    applied: Applied = apply_online(flight, say)
    assert applied.rows > 0
    return said[-1]
