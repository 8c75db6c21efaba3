"""The figures as tables: one for each number of users, and one of the targets."""

from collections.abc import Iterator

from rich.box import HEAVY_HEAD, Box
from rich.table import Table

from tests.benchmarks.arms import BASE, IDLE
from tests.benchmarks.figures import Figures, Round, Share
from tests.benchmarks.targets import TARGETS

_COLUMNS = ("time", "ratio", "write stall", "read stall", "errors", "RSS")

_STALLS = (
    (BASE, "psql, as usually written"),
    ("psql-shipped", "psql, the shipped up.sql"),
    ("auto", "pgflight"),
)
"""The arms that the README shows."""

_SHARES = (
    ("the flow by itself, all of it imported", "by_itself_s"),
    ("the same as a flow run, from start to end", "run_s"),
    ("Prefect's share of that", "added_s"),
    ("pgflight deploy: from Enter to the first step", "first_step_s"),
    ("of that Python's imports, most of them Prefect's", "import_s"),
)


def tables(figures: Figures, box: Box = HEAVY_HEAD) -> Iterator[Table]:
    """All tables; their box decides whether they are for a terminal or a page."""
    for users in figures.sizes:
        yield _size_table(figures, users, box)
    if figures.shares:
        yield _share_table(figures, box)
    yield _target_table(figures, box)


def stall_table(figures: Figures, box: Box) -> Table:
    """What the application waits for at most, by number of users and way."""
    table = Table(box=box)
    table.add_column("longest stall at", no_wrap=True)
    for _, heading in _STALLS:
        table.add_column(heading, justify="right")
    for users in figures.sizes:
        stalls = (figures.median(users, arm, "stall_ms") for arm, _ in _STALLS)
        table.add_row(f"{users:,} users", *map(_time, stalls))
    return table


def _size_table(figures: Figures, users: int, box: Box) -> Table:
    title = f"{users:,} users; ratio: of the time to that of {BASE}"
    table = Table(title=title, title_justify="left", box=box)
    table.add_column("arm", no_wrap=True)
    for heading in _COLUMNS:
        table.add_column(heading, justify="right")
    for arm in figures.arms:
        got_through = figures.of(users, arm)
        if got_through:
            name = f"{arm}{_day(got_through[0])}"
            table.add_row(name, *_row(figures, users, arm))
        elif figures.failures(users, arm):
            table.add_row(arm, "failed")
    return table


def _row(figures: Figures, users: int, arm: str) -> Iterator[str]:
    def median(quantity: str) -> float | None:
        return figures.median(users, arm, quantity)

    wall, base = median("wall_ms"), figures.median(users, BASE, "wall_ms")
    yield _time(wall)
    yield f"{wall / base:.2f}" if wall and base and arm != IDLE else ""
    yield _time(median("write_stall_ms"))
    yield _time(median("read_stall_ms"))
    yield f"{sum(one.errors for one in figures.of(users, arm)):,}"
    peak = median("peak_mb")
    yield f"{peak:.0f} MB" if peak else ""


def _share_table(figures: Figures, box: Box) -> Table:
    one = figures.shares[0]
    title = f"Prefect's share: deploy-migration 008 with {one.users:,} users{_day(one)}"
    table = Table(title=title, title_justify="left", box=box)
    table.add_column("what")
    table.add_column("time", justify="right")
    for what, quantity in _SHARES:
        seconds = figures.share(quantity)
        table.add_row(what, _time(seconds * 1_000 if seconds is not None else None))
    return table


def _target_table(figures: Figures, box: Box) -> Table:
    table = Table(title="Targets", title_justify="left", box=box)
    table.add_column("target")
    for heading in ("at most", "measured", "verdict"):
        table.add_column(heading, justify="right")
    for target in TARGETS:
        limit, value = target.show(target.limit), target.show(target.value(figures))
        table.add_row(target.text, limit, value, target.verdict(figures))
    return table


def _day(one: Round | Share) -> str:
    return f" ({one.older})" if one.older else ""


def _time(milliseconds: float | None) -> str:
    if milliseconds is None:
        return ""
    if milliseconds < 1_000:
        return f"{milliseconds:,.0f} ms"
    return f"{milliseconds / 1_000:,.1f} s"
