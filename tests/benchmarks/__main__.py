"""The benchmark's command line: ``python -m tests.benchmarks``, or ``make bench``."""

import sys
from pathlib import Path

import cyclopts
from rich.console import Console

from flows.demo.world import FEWEST_USERS
from flows.migration.errors import BadInput, PgflightError
from flows.terminal import say
from tests.benchmarks.arms import BASE, Arm, arms
from tests.benchmarks.figures import Figures
from tests.benchmarks.measure import Course, Say, measure
from tests.benchmarks.page import FIGURES, read_json, write_json, write_page
from tests.benchmarks.tables import tables

USAGE_ERROR = 2
PREFECT = "prefect"
"""No arm: its share of a flow run, measured at the smallest size."""
INTERRUPTED = 130

# main() says that it was stopped; cyclopts would end without a word.
app = cyclopts.App(
    name="python -m tests.benchmarks",
    help_format="markdown",
    suppress_keyboard_interrupt=False,
)
console = Console()


@app.default
def bench(
    *,
    users: str = "10000,100000,1000000",
    rounds: int = 3,
    arms: str = "",
    json: Path | None = None,
    docs: Path | None = None,
) -> None:
    """Run migration 008 by several tools beside a working application.

    Each arm runs on a fresh copy of the same database, on a server of its own, while
    a writer and a reader work on platform.users.

    Args:
        users: How many, e.g. 10000,100000.
        rounds: How often each arm is run; medians are shown.
        arms: Which, e.g. psql-usual,online,prefect; all that can be run when left out.
        json: File for the figures.
        docs: Folder whose benchmark.md, bench.json and plots are written anew; where
            only some arms are run, the figures of the others stay, with their day.
    """
    names, with_prefect = _without(PREFECT, arms)
    kept = read_json(docs / FIGURES) if docs and arms else None
    chosen = _chosen(names, _tell)
    figures = measure(
        Course(_numbers(users), chosen, rounds, with_prefect, kept), _tell
    )
    _show(figures)
    if json:
        write_json(figures, json)
    if docs:
        write_page(figures.beside(kept) if kept else figures, docs)


def main() -> int:
    try:
        app()
    except PgflightError as error:
        say(Console(stderr=True), str(error), "red")
        return USAGE_ERROR
    except KeyboardInterrupt:
        say(Console(stderr=True), "Stopped; nothing is left running.", "yellow")
        return INTERRUPTED
    return 0


def _tell(line: str) -> None:
    say(console, line, "dim")


def _show(figures: Figures) -> None:
    for table in tables(figures):
        console.print()
        console.print(table)


def _numbers(text: str) -> list[int]:
    words = text.split(",")
    if not all(word.isdecimal() and int(word) >= FEWEST_USERS for word in words):
        raise BadInput(
            f"--users {text}: not numbers of at least {FEWEST_USERS}",
            "Write them with commas between: --users 10000,100000",
        )
    return sorted({int(word) for word in words})


def _without(name: str, names: str) -> tuple[list[str] | None, bool]:
    """The other names, None where all are meant; and whether this one is wanted."""
    if not names:
        return None, True
    wanted = names.split(",")
    return [other for other in wanted if other != name], name in wanted


def _chosen(names: list[str] | None, say: Say) -> list[Arm]:
    """The named arms that can be run here; says why another cannot."""
    known = {arm.name: arm for arm in arms()}
    wanted = list(known) if names is None else names
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise BadInput(
            f"--arms: there is no {', '.join(unknown)}",
            f"There are {', '.join([*known, PREFECT])}; the others are held against"
            f" {BASE}.",
        )
    for name in wanted:
        if known[name].missing:
            say(f"{name}: {known[name].missing}")
    return [known[name] for name in wanted if not known[name].missing]


if __name__ == "__main__":
    sys.exit(main())
