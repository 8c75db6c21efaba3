"""The benchmark's page in docs/: its tables, its plots, and the figures as JSON."""

import io
from pathlib import Path

from rich.box import MARKDOWN
from rich.console import Console

from tests.benchmarks.arms import IDLE
from tests.benchmarks.figures import Figures
from tests.benchmarks.fly import UNVERIFIED
from tests.benchmarks.plot import draw
from tests.benchmarks.tables import tables

MARK = "<!-- What follows is written by make bench. -->"


def write_page(figures: Figures, docs: Path) -> None:
    """Write benchmark.md below its mark, bench.json and the two plots."""
    page = docs / "benchmark.md"
    text, mark, _ = page.read_text().partition(MARK)
    page.write_text(f"{text}{mark}\n{_markdown(figures)}")
    write_json(figures, docs / "bench.json")
    drawn = [arm for arm in figures.arms if arm != UNVERIFIED]
    stalls = {arm: figures.points(arm, "stall_ms") for arm in drawn}
    times = {arm: figures.points(arm, "wall_ms") for arm in drawn if arm != IDLE}
    stall_title = "Longest stall of a write or a read"
    (docs / "bench-stall.svg").write_text(draw(stall_title, stalls))
    (docs / "bench-time.svg").write_text(draw("Time of the migration", times))


def write_json(figures: Figures, path: Path) -> None:
    path.write_text(figures.model_dump_json(indent=1) + "\n")


def _markdown(figures: Figures) -> str:
    machine = figures.machine
    lines = [
        "",
        f"Measured on {figures.measured_on}: {machine.processors} processors,"
        f" {machine.memory_gb} GB, {machine.system}, PostgreSQL {machine.postgresql}.",
        "",
    ]
    for table in tables(figures, MARKDOWN):
        title, table.title = str(table.title), None
        text = io.StringIO()
        Console(file=text, width=200).print(table)
        rows = [row.rstrip() for row in text.getvalue().splitlines() if row.strip()]
        lines += [f"### {title}", "", *rows, ""]
    return "\n".join(lines)
