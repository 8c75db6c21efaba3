"""The control arms: without each guard, at least one experiment must go red."""

from dataclasses import dataclass

from pydantic import BaseModel

from tests.faults import (
    f02_answer_lost,
    f04_half_open,
    f05_crash,
    f15_edited,
    f21_elsewhere,
    f22_said,
    hidden_commit,
)
from tests.faults.experiment import Experiment, run_round, turn_of
from tests.faults.ground import Field
from tests.faults.verdict import Verdict


@dataclass(frozen=True)
class Tooth:
    """A guard, and the rounds that must not be survived without it.

    Attributes:
        numbers: the rounds, until the first that is red.
    """

    guard: str
    experiment: Experiment
    numbers: tuple[int, ...] = (0,)


CRASHES = tuple(number for number in range(40) if number % 5 in (0, 1, 3))
"""Rounds of F5 in one transaction: about half of them go red."""

TEETH = (
    Tooth("the claim and the fence", f04_half_open.EXPERIMENT, (7,)),
    Tooth("the ledger row in the transaction", f02_answer_lost.EXPERIMENT),
    Tooth("the tripwire", hidden_commit.EXPERIMENT),
    Tooth("no retry once COMMIT was sent", f02_answer_lost.EXPERIMENT),
    Tooth("saving before dropping", f15_edited.EXPERIMENT),
    Tooth("redaction", f22_said.EXPERIMENT),
    Tooth("the identity check", f21_elsewhere.EXPERIMENT),
    Tooth("the ledger as the arbiter", f05_crash.EXPERIMENT, CRASHES),
)


class Bite(BaseModel):
    """What was seen without a guard.

    Attributes:
        rounds: flown until it was red.
        breach: the first that the oracle named.
    """

    guard: str
    experiment: str
    version: str
    verdict: Verdict
    rounds: int
    breach: str = ""


def bite(tooth: Tooth, field: Field, seed: int) -> Bite:
    """Fly without the guard until the oracle says so, or there is no round left."""
    experiment = tooth.experiment
    bitten = Bite(
        guard=tooth.guard,
        experiment=experiment.number,
        version=str(field.major),
        verdict=Verdict.SURVIVED,
        rounds=0,
    )
    for number in tooth.numbers:
        turn = turn_of(experiment, seed, number, is_reduced=True)
        judgement = run_round(experiment, field, turn, (tooth.guard,))
        bitten.rounds += 1
        if judgement.breaches:
            bitten.verdict = judgement.verdict
            bitten.breach = " ".join(str(judgement.breaches[0]).split())[:200]
            break
    return bitten
