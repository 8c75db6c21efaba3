"""The campaign's page in docs/: its table, what lies below it, and all as JSON."""

from pathlib import Path

from tests.faults.campaign import Campaign, Line
from tests.faults.verdict import Verdict

MARK = "<!-- What follows is written by make faults. -->"
README_BEGIN, README_END = "<!-- faults: begin -->", "<!-- faults: end -->"
"""What stands between these in the README is written as well."""


def write_page(campaign: Campaign, docs: Path) -> None:
    """Write faults.md below its mark, faults.json, and the README's line."""
    page = docs / "faults.md"
    text, mark, _ = page.read_text().partition(MARK)
    page.write_text(f"{text}{mark}\n\n{_markdown(campaign)}")
    (docs / "faults.json").write_text(campaign.model_dump_json(indent=1) + "\n")
    readme = docs.parent / "README.md"
    head, begin, rest = readme.read_text().partition(README_BEGIN)
    if begin:
        _, _, tail = rest.partition(README_END)
        line = f"{begin}{_totals(campaign)}{README_END}"
        readme.write_text(f"{head}{line}{tail}")


def _totals(campaign: Campaign) -> str:
    versions = sorted({line.version.partition(".")[0] for line in campaign.lines})
    parts = ", ".join(
        f"{campaign.total(verdict):,} {verdict}"
        for verdict in (Verdict.LOST, Verdict.DOUBLED, Verdict.MISREPORTED)
    )
    return (
        f"{campaign.rounds:,} rounds on PostgreSQL {', '.join(versions)}:"
        f" {campaign.total(Verdict.SURVIVED):,} survived, {parts}"
    )


def _markdown(campaign: Campaign) -> str:
    rows = [
        f"Flown on {campaign.flown_on} with seed {campaign.seed}: {_totals(campaign)}.",
        "",
        "| experiment | PostgreSQL | Python | rounds | survived | lost | doubled"
        " | misreported | longest stall |",
        "|---|---|---|---:|---:|---:|---:|---:|---:|",
        *[_row(line) for line in campaign.lines],
        "",
    ]
    rows += [f"PostgreSQL {major}: {why}.  " for major, why in campaign.missing.items()]
    rows += _bitten(campaign)
    rows += _counted(campaign)
    rows += _breaches(campaign)
    return "\n".join(rows) + "\n"


def _row(line: Line) -> str:
    name = f"{line.experiment} {line.title}"
    if line.missing:
        return f"| {name} | {line.version} | {line.python} | {line.missing} | | | | | |"
    numbers = " | ".join(str(line.verdicts[verdict]) for verdict in Verdict)
    # Where nobody but the pilots is at work, nobody waits.
    stall = f"{line.longest_stall_s:.2f} s" if line.longest_stall_s else "\N{EN DASH}"
    where = f"{line.version} | {line.python}"
    return f"| {name} | {where} | {line.rounds} | {numbers} | {stall} |"


def _bitten(campaign: Campaign) -> list[str]:
    if not campaign.bites:
        return []
    return [
        "",
        "### Teeth",
        "",
        "Each guard switched off in turn: the same experiments must not be survived.",
        "",
        "| without | experiment | version | verdict | rounds until then | why |",
        "|---|---|---|---|---:|---|",
        *[
            f"| {bite.guard} | {bite.experiment} | {bite.version} | {bite.verdict}"
            f" | {bite.rounds} | {bite.breach.replace('|', ' ')} |"
            for bite in campaign.bites
        ],
    ]


def _counted(campaign: Campaign) -> list[str]:
    lines = [line for line in campaign.lines if line.counts]
    if not lines:
        return []
    return [
        "",
        "### Counted beside",
        "",
        "| experiment | version | what | times |",
        "|---|---|---|---:|",
        *[
            f"| {line.experiment} | {line.version} | {what} | {times} |"
            for line in lines
            for what, times in sorted(line.counts.items())
        ],
    ]


def _breaches(campaign: Campaign) -> list[str]:
    found = [
        f"- {line.experiment} on {line.version}, {' '.join(breach.split())}"
        for line in campaign.lines
        for breach in line.breaches
    ]
    return ["", "### Not survived", "", *found] if found else []
