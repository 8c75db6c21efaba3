"""A reduced round of every experiment: nothing lost, doubled or misreported.

PGFLIGHT_TEST_SEED repeats one; `make faults` runs the whole campaign.
"""

import os

import pytest

from tests.faults.campaign import experiments
from tests.faults.experiment import Experiment, run_round, turn_of
from tests.faults.ground import Field

SEED = int(os.environ.get("PGFLIGHT_TEST_SEED", "1"))

ROUNDS = [
    pytest.param(experiment, number, id=f"{experiment.number}-{number}")
    for experiment in experiments()
    for number in range(experiment.reduced)
]


@pytest.mark.parametrize(("experiment", "number"), ROUNDS)
def test_round_is_survived(experiment: Experiment, number: int, field: Field):
    reason = experiment.missing(field)
    if reason:
        pytest.xfail(reason)
    turn = turn_of(experiment, SEED, number, is_reduced=True)
    judgement = run_round(experiment, field, turn)
    found = "\n".join(map(str, judgement.breaches))
    assert not found, "\n".join(judgement.said)
