"""Without each guard in turn at least one experiment goes red: the suite has teeth."""

import pytest

from tests.faults.control import TEETH, Tooth, bite
from tests.faults.experiment import run_round, turn_of
from tests.faults.ground import Field
from tests.faults.hidden_commit import EXPERIMENT as HIDDEN_COMMIT
from tests.faults.teeth import guards
from tests.faults.test_experiments import SEED
from tests.faults.verdict import Verdict


@pytest.mark.parametrize(
    "tooth", TEETH, ids=lambda tooth: f"{tooth.guard}, {tooth.experiment.number}"
)
def test_without_the_guard_it_is_red(tooth: Tooth, field: Field):
    bitten = bite(tooth, field, SEED)
    assert bitten.verdict is not Verdict.SURVIVED


def test_every_guard_has_a_tooth():
    helper = {"the refusal of transaction control"}
    assert {tooth.guard for tooth in TEETH} == set(guards()) - helper


def test_tripwire_tells_of_a_commit_that_the_parser_missed(field: Field):
    turn = turn_of(HIDDEN_COMMIT, SEED, 0)
    without = ("the refusal of transaction control",)
    judgement = run_round(HIDDEN_COMMIT, field, turn, without)
    # It is half done all the same: that cannot be helped any more, but it is said.
    told = [breach for breach in judgement.breaches if "half done" in breach.text]
    assert not told
