"""An experiment, and one round of it."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from flows.migration.strategy import Wish
from tests.faults.ground import Field, Ground, fresh_ground
from tests.faults.oracle import Judgement, judge
from tests.faults.pilot import Action, Order, Pilot, Seen

BUDGET_MS = 20_000
NO_SETTINGS: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True)
class Turn:
    """One round's place in a campaign.

    Attributes:
        number: of the round, from 0: arms take turns by it.
        rng: seeded by the campaign's seed, the experiment and the number.
        is_reduced: as part of the tests, where time is short.
    """

    number: int
    rng: random.Random
    is_reduced: bool = False


def turn_of(
    experiment: "Experiment", seed: int, number: int, is_reduced: bool = False
) -> Turn:
    """The same for the same seed and number."""
    rng = random.Random(f"{seed} {experiment.number} {number}")
    return Turn(number, rng, is_reduced)


Round = Callable[[Ground, Turn], list[Seen]]


def _never(field: Field) -> str:
    return ""


@dataclass(frozen=True)
class Experiment:
    """One of the twenty.

    Attributes:
        number: such as F02.
        rounds: in a campaign, for each version.
        reduced: in the tests.
        goal: what is flown again at the end of each round.
        is_quiet: nobody but the pilots is at work.
        missing: why it cannot be done on a server; empty when it can.
    """

    number: str
    title: str
    round: Round
    rounds: int = 20
    reduced: int = 2
    goal: Action = "deploy"
    is_quiet: bool = False
    budget_ms: int = BUDGET_MS
    missing: Callable[[Field], str] = field(default=_never)


def run_round(
    experiment: Experiment,
    ground_field: Field,
    turn: Turn,
    without: tuple[str, ...] = (),
) -> Judgement:
    """One seeded round on a fresh ground, and the oracle's word on it.

    Args:
        without: guards that are switched off, but for the flight at the end.
    """
    rng = turn.rng
    with fresh_ground(ground_field) as ground:
        ground.without = without
        if experiment.is_quiet:
            seen = experiment.round(ground, turn)
        else:
            with ground.load(rng.randrange(2**32)):
                seen = experiment.round(ground, turn)
        ground.without = ()
        goal = seen[-1].action if seen else experiment.goal
        budget_s = experiment.budget_ms / 1_000
        return judge(ground, seen, lambda: fly(ground, goal), budget_s)


def fly(ground: Ground, action: Action = "deploy", strategy: Wish = "auto") -> Seen:
    """A flight that nobody disturbs."""
    return Pilot(order(ground, action, strategy=strategy)).wait()


def order(
    ground: Ground,
    action: Action = "deploy",
    url: str | None = None,
    strategy: Wish = "transactional",
    settings: Mapping[str, object] = NO_SETTINGS,
) -> Order:
    """What a pilot needs for this ground.

    Args:
        url: another way to it, such as a proxy's.
    """
    return Order(
        action=action,
        environment=ground.environment(url),
        folder=str(ground.field.folder),
        strategy=strategy,
        budget_ms=BUDGET_MS,
        settings=dict(settings),
        without=ground.without,
    )
