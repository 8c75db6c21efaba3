"""The benchmark's page in docs/: its tables, its plots, and the figures as JSON."""

import io
from pathlib import Path

from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from tests.benchmarks.arms import IDLE
from tests.benchmarks.figures import Figures
from tests.benchmarks.fly import UNVERIFIED
from tests.benchmarks.plot import draw
from tests.benchmarks.tables import stall_table, tables

MARK = "<!-- What follows is written by make bench. -->"
FIGURES = "bench.json"
BEGIN, END = (
    "<!-- bench: begin (written by make bench) -->",
    "<!-- bench: end -->",
)
"""What stands between these in the README is written as well."""


def write_page(figures: Figures, docs: Path) -> None:
    """Write benchmark.md below its mark, bench.json and the two plots."""
    page = docs / "benchmark.md"
    text, mark, _ = page.read_text().partition(MARK)
    page.write_text(f"{text}{mark}\n{_markdown(figures)}")
    write_readme(figures, docs.parent / "README.md")
    write_json(figures, docs / FIGURES)
    drawn = [arm for arm in figures.arms if arm != UNVERIFIED]
    stalls = {arm: figures.points(arm, "stall_ms") for arm in drawn}
    times = {arm: figures.points(arm, "wall_ms") for arm in drawn if arm != IDLE}
    stall_title = "Longest stall of a write or a read"
    (docs / "bench-stall.svg").write_text(draw(stall_title, stalls))
    (docs / "bench-time.svg").write_text(draw("Time of the migration", times))


def write_readme(figures: Figures, readme: Path) -> None:
    """The plots and the stalls, between the README's marks; none where it has none."""
    if not readme.exists() or BEGIN not in readme.read_text():
        return
    head, _, rest = readme.read_text().partition(BEGIN)
    _, _, tail = rest.partition(END)
    lines = [
        BEGIN,
        "![Longest stall against the number of users](docs/bench-stall.svg)",
        "![Time against the number of users](docs/bench-time.svg)",
        "",
        *_described(figures),
        *_rows(stall_table(figures, MARKDOWN)),
        END,
    ]
    readme.write_text("\n".join([head.rstrip("\n"), "", *lines]) + tail)


def read_json(path: Path) -> Figures | None:
    """The figures of an earlier benchmark; None where there was none."""
    return Figures.model_validate_json(path.read_text()) if path.exists() else None


def write_json(figures: Figures, path: Path) -> None:
    path.write_text(figures.model_dump_json(indent=1) + "\n")


def _markdown(figures: Figures) -> str:
    lines = ["", *_described(figures)]
    for table in tables(figures, MARKDOWN):
        lines += [f"### {table.title}", "", *_rows(table), ""]
    return "\n".join(lines)


def _described(figures: Figures) -> list[str]:
    machine = figures.machine
    return [
        f"Measured on {' and '.join(figures.days)}: {machine.processors} processors,"
        f" {machine.memory_gb} GB, {machine.system}, PostgreSQL {machine.postgresql};"
        " medians beside a working application.",
        "",
    ]


def _rows(table: Table) -> list[str]:
    """A table as Markdown, without its title."""
    title, table.title = table.title, None
    text = io.StringIO()
    Console(file=text, width=200).print(table)
    table.title = title
    return [row.rstrip() for row in text.getvalue().splitlines() if row.strip()]
