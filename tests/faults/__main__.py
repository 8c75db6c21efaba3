"""The campaign's command line: ``python -m tests.faults``, or ``make faults``."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import cyclopts
from rich.console import Console

from flows.migration.errors import BadInput, PgflightError
from flows.terminal import say
from tests.faults.campaign import Campaign, fly_on, joined, numbers
from tests.faults.page import write_page
from tests.faults.verdict import Verdict
from tests.faults.versions import missing, servers
from tests.in_memory import keep_temporary_files_in_memory

USAGE_ERROR, NOT_SURVIVED, INTERRUPTED = 2, 1, 130

app = cyclopts.App(
    name="python -m tests.faults",
    help_format="markdown",
    suppress_keyboard_interrupt=False,
)
console = Console()


@app.default
def faults(
    *,
    server: str = "",
    only: str = "",
    rounds: int | None = None,
    seed: int = 1,
    json: Path | None = None,
    docs: Path | None = None,
) -> int:
    """Kill, cut off and crash pgflight, and see what is left of it.

    Args:
        server: Major versions, e.g. 18,15; all that are to be had when left out.
        only: Experiments, e.g. F05,F10,teeth; all when left out.
        rounds: Of each experiment; its own number when left out.
        seed: Repeats a campaign.
        json: File for what was seen, written after each experiment.
        docs: Folder whose faults.md and faults.json are written anew.
    """
    found = servers()
    campaign = Campaign(
        seed=seed, flown_on=datetime.now(UTC).date().isoformat(), missing=missing()
    )
    wanted = _chosen(only)
    for major in _majors(server):
        for flown in fly_on(campaign, found[major], wanted, _tell, rounds):
            if json:
                json.write_text(flown.model_dump_json(indent=1) + "\n")
    campaign.lines.sort(key=lambda line: (line.experiment, line.version))
    if docs:
        write_page(campaign, docs)
    survived = campaign.total(Verdict.SURVIVED)
    _tell(f"{survived:,} of {campaign.rounds:,} rounds were survived")
    return 0 if campaign.is_good else NOT_SURVIVED


@app.command
def join(docs: Path, *parts: Path) -> int:
    """Write the page of campaigns that were flown beside each other.

    Args:
        docs: Folder whose faults.md and faults.json are written anew.
        parts: What they have written with --json.
    """
    campaigns = [Campaign.model_validate_json(part.read_text()) for part in parts]
    campaign = joined(campaigns)
    write_page(campaign, docs)
    return 0 if campaign.is_good else NOT_SURVIVED


def main() -> int:
    keep_temporary_files_in_memory()
    try:
        return int(app() or 0)
    except PgflightError as error:
        say(Console(stderr=True), str(error), "red")
        return USAGE_ERROR
    except KeyboardInterrupt:
        say(Console(stderr=True), "Stopped; nothing is left running.", "yellow")
        return INTERRUPTED


def _tell(line: str) -> None:
    say(console, line, "dim")


def _majors(text: str) -> list[int]:
    here = list(servers())
    wanted = [int(word) if word.isdecimal() else 0 for word in text.split(",") if word]
    unknown = set(wanted) - set(here)
    if unknown:
        raise BadInput(
            f"--server {text}: not to be had here",
            f"There are {', '.join(map(str, here))}.",
        )
    return wanted or here


def _chosen(text: str) -> list[str]:
    known = numbers()
    wanted = [word.upper() for word in text.split(",") if word] or known
    unknown = [word for word in wanted if word not in known]
    if unknown:
        raise BadInput(
            f"--only: there is no {', '.join(unknown)}",
            f"There are {', '.join(known)}.",
        )
    return wanted


if __name__ == "__main__":
    sys.exit(main())
