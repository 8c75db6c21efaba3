"""A campaign: rounds of all experiments on all servers that there are."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from pathlib import Path

from pydantic import BaseModel

from tests.faults.experiment import Experiment, run_round, turn_of
from tests.faults.ground import Field, make_field
from tests.faults.verdict import Verdict

HERE = Path(__file__).parent
Say = Callable[[str], None]


class Line(BaseModel):
    """One experiment on one version.

    Attributes:
        missing: why it was not done.
        counts: what it has counted beside, such as wrong answers of a control.
        breaches: of each round that was not survived.
    """

    experiment: str
    title: str
    version: str
    missing: str = ""
    verdicts: Counter[Verdict] = Counter()
    counts: Counter[str] = Counter()
    longest_stall_s: float = 0.0
    seconds: float = 0.0
    breaches: list[str] = []

    @property
    def rounds(self) -> int:
        return self.verdicts.total()


class Campaign(BaseModel):
    """What a campaign has shown.

    Attributes:
        missing: versions that there was no server of, and why.
    """

    seed: int
    flown_on: str
    lines: list[Line] = []
    missing: dict[int, str] = {}

    def total(self, verdict: Verdict) -> int:
        return sum(line.verdicts[verdict] for line in self.lines)

    @property
    def rounds(self) -> int:
        return sum(line.rounds for line in self.lines)


def experiments() -> list[Experiment]:
    """All of them, by number: the modules named f<number>_<what>."""
    modules = sorted(path.stem for path in HERE.glob("f[0-9][0-9]_*.py"))
    return [import_module(f"tests.faults.{name}").EXPERIMENT for name in modules]


def fly_on(
    bin_dir: Path,
    wanted: Sequence[Experiment],
    seed: int,
    say: Say,
    rounds: int | None = None,
) -> Iterable[Line]:
    """All rounds of these experiments on one server.

    Args:
        rounds: of each; each experiment's own number when None.
    """
    with make_field(bin_dir) as field:
        for experiment in wanted:
            yield fly(experiment, field, seed, say, rounds or experiment.rounds)


def fly(experiment: Experiment, field: Field, seed: int, say: Say, rounds: int) -> Line:
    version = f"{field.major}.{field.cluster.version % 10_000}"
    line = Line(
        experiment=experiment.number,
        title=experiment.title,
        version=version,
        missing=experiment.missing(field),
    )
    if line.missing:
        say(f"{experiment.number} on {version}: {line.missing}")
        return line
    started = time.monotonic()
    for number in range(rounds):
        judgement = run_round(experiment, field, turn_of(experiment, seed, number))
        line.verdicts[judgement.verdict] += 1
        line.counts += judgement.counts
        line.longest_stall_s = max(line.longest_stall_s, judgement.stall_s)
        for breach in judgement.breaches:
            line.breaches.append(f"round {number}: {breach}")
            say(f"{experiment.number} on {version}, round {number}: {breach}")
    line.seconds = time.monotonic() - started
    say(
        f"{experiment.number} on {version}: {dict(line.verdicts)}, {line.seconds:.0f} s"
    )
    return line
