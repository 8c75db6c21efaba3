"""A campaign: rounds of all experiments on all servers that there are."""

import platform
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path

from pydantic import BaseModel

from tests.faults.control import TEETH, Bite, bite
from tests.faults.experiment import Experiment, run_round, turn_of
from tests.faults.f05_crash import ASKED, WRONG
from tests.faults.ground import CAME_THROUGH, Field, make_field
from tests.faults.tested import TESTED, Tested
from tests.faults.tested import fly as tests_of
from tests.faults.verdict import Verdict

HERE = Path(__file__).parent
TEETH_TOO = "TEETH"
ENOUGH = 50
"""Rounds of F5 that pg_xact_status cannot all have been right in."""
PYTHON = ".".join(platform.python_version_tuple()[:2])
Say = Callable[[str], None]


class Line(BaseModel):
    """One experiment on one version.

    Attributes:
        python: the version that pgflight ran on.
        missing: why it was not done.
        counts: what it has counted beside, such as wrong answers of a control.
        breaches: of each round that was not survived.
    """

    experiment: str
    title: str
    version: str
    python: str = PYTHON
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
        bites: what was seen without each guard.
        missing: versions that there was no server of, and why.
    """

    seed: int
    flown_on: str
    lines: list[Line] = []
    bites: list[Bite] = []
    missing: dict[int, str] = {}

    def total(self, verdict: Verdict) -> int:
        return sum(line.verdicts[verdict] for line in self.lines)

    @property
    def rounds(self) -> int:
        return sum(line.rounds for line in self.lines)

    @property
    def is_good(self) -> bool:
        """All survived, and without a guard nothing was."""
        return self.is_sharp and self.total(Verdict.SURVIVED) == self.rounds

    @property
    def is_sharp(self) -> bool:
        """Every control arm has gone red."""
        blunt = [one for one in self.bites if one.verdict is Verdict.SURVIVED]
        counts = sum((line.counts for line in self.lines), Counter[str]())
        return not blunt and (counts[WRONG] > 0 or counts[ASKED] < ENOUGH)


def joined(campaigns: Sequence[Campaign]) -> Campaign:
    """One campaign of several, flown on different versions with the same seed.

    What a later one has flown again takes the place of an earlier one's.
    """
    lines = {
        (line.experiment, line.version): line for c in campaigns for line in c.lines
    }
    bites = {(bite.guard, bite.version): bite for c in campaigns for bite in c.bites}
    return campaigns[-1].model_copy(
        update={
            "lines": [lines[place] for place in sorted(lines)],
            "bites": list(bites.values()),
        }
    )


def experiments() -> list[Experiment]:
    """All of them, by number: the modules named f<number>_<what>."""
    modules = sorted(path.stem for path in HERE.glob("f[0-9][0-9]_*.py"))
    return [import_module(f"tests.faults.{name}").EXPERIMENT for name in modules]


def numbers() -> list[str]:
    """What a campaign flies when nothing is chosen."""
    known = [experiment.number for experiment in experiments()]
    return [*sorted([*known, *(one.number for one in TESTED)]), TEETH_TOO]


def fly_on(
    campaign: Campaign,
    bin_dir: Path,
    wanted: Sequence[str],
    say: Say,
    rounds: int | None = None,
) -> Iterator[Campaign]:
    """All rounds on one server, into the campaign, which comes after each experiment.

    Args:
        wanted: of `numbers`.
        rounds: of each; each experiment's own number when None.
    """
    with make_field(bin_dir) as field:
        for experiment in experiments():
            if experiment.number in wanted:
                times = rounds or experiment.rounds
                line = fly(experiment, field, campaign.seed, say, times)
                campaign.lines.append(line)
                yield campaign
        for tooth in TEETH if TEETH_TOO in wanted else ():
            bitten = bite(tooth, field, campaign.seed)
            say(f"without {bitten.guard}: {bitten.verdict} ({bitten.breach})")
            campaign.bites.append(bitten)
            yield campaign
        for tested in TESTED:
            if tested.number in wanted:
                campaign.lines.append(_counted(tested, field, bin_dir, say))
                yield campaign


def fly(experiment: Experiment, field: Field, seed: int, say: Say, rounds: int) -> Line:
    """These rounds of one experiment."""
    line = _line(experiment.number, experiment.title, field)
    line.missing = experiment.missing(field)
    where = f"{line.experiment} on {line.version}"
    if line.missing:
        say(f"{where}: {line.missing}")
        return line
    started = time.monotonic()
    for number in range(rounds):
        judgement = run_round(experiment, field, turn_of(experiment, seed, number))
        line.verdicts[judgement.verdict] += 1
        line.counts += judgement.counts
        line.longest_stall_s = max(line.longest_stall_s, judgement.stall_s)
        for breach in judgement.breaches:
            line.breaches.append(f"round {number}: {breach}")
            say(f"{where}, round {number}: {breach}")
    line.seconds = time.monotonic() - started
    say(f"{where}: {_in_words(line)}, {line.seconds:.0f} s")
    return line


def _counted(tested: Tested, field: Field, bin_dir: Path, say: Say) -> Line:
    """A test that passed is a round that was survived."""
    line = _line(tested.number, tested.title, field)
    passed, line.breaches = tests_of(tested, bin_dir)
    line.verdicts[Verdict.SURVIVED] = passed
    line.verdicts[Verdict.MISREPORTED] = len(line.breaches)
    say(f"{line.experiment} on {line.version}: {_in_words(line)} {line.breaches}")
    return line


def _line(number: str, title: str, field: Field) -> Line:
    version = f"{field.major}.{field.cluster.version % 10_000}"
    return Line(experiment=number, title=title, version=version)


def _in_words(line: Line) -> str:
    words = [f"{times} {verdict}" for verdict, times in line.verdicts.items()]
    missed = line.counts[CAME_THROUGH]
    return ", ".join([*words, *[f"{missed} of them {CAME_THROUGH}"] * bool(missed)])
