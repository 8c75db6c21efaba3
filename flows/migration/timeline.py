"""The timeline of a run: its steps and the locks that it held, as a chart and as text.

The chart is mermaid's, which GitHub and Prefect draw; the table says the same wherever
nothing is drawn.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from flows.migration.locks import NOTHING
from flows.migration.markdown import block, code, table, unbroken
from flows.migration.report import LockHeld, Report

MOST_BARS = 40
"""More are not readable; of more, the longest."""

MOST_MOMENTS = 7
_APART_MS = [a * ten for ten in (10, 100, 1_000, 10_000) for a in (1, 2, 5)] + [
    minutes * 60_000 for minutes in (2, 5, 10, 30, 60, 360)
]

LEAST_SHARE = 0.01
"""Of the whole run: a statement that took less is in the table only."""

# The page may be light or dark, and either draws everything too small to be read in its
# column: so a page of the chart's own, and a width. Where a viewer does not take the
# CSS, the words beside the bars have a tone that both pages leave readable.
_BETWEEN, _DARK = "#727a85", "#1f2328"
_COLOURS = {
    "textColor": _BETWEEN,
    "titleColor": _BETWEEN,
    "taskTextOutsideColor": _BETWEEN,
    "sectionBkgColor": "transparent",
    "sectionBkgColor2": "transparent",
    "altSectionBkgColor": "transparent",
    "taskBkgColor": "#8ab4f8",
    "taskBorderColor": "#8ab4f8",
    "activeTaskBkgColor": "#f5b971",
    "activeTaskBorderColor": "#f5b971",
    "critBkgColor": "#f28b82",
    "critBorderColor": "#f28b82",
    "taskTextColor": _DARK,
    "taskTextLightColor": _DARK,
    "taskTextDarkColor": _DARK,
    "todayLineColor": "transparent",
}
_CSS = (
    ".section {fill: #f1f5f9; opacity: 1;} .section1 {fill: #e2e8f0;}"
    f" text {{fill: {_DARK} !important;}}"
    f" .grid .tick text {{fill: {_BETWEEN} !important;}}"
)
_LOOK = {
    "theme": "base",
    "themeVariables": _COLOURS,
    "gantt": {
        "useWidth": 700,
        "leftPadding": 80,
        "fontSize": 12,
        "sectionFontSize": 12,
    },
    "themeCSS": _CSS,
}

# Of what a name may hold, mermaid's grammar lets these pass anywhere in a task.
_NOT_IN_A_BAR = re.compile(r"[^\w .()\[\]/+-]")


@dataclass(frozen=True)
class Bar:
    """One line of the chart.

    Attributes:
        weight: crit where reads and writes waited for it, active where writes did.
    """

    section: Literal["steps", "statements", "locks"]
    name: str
    at_ms: float
    took_ms: float
    weight: Literal["crit", "active", ""] = ""


def bars_of(report: Report) -> list[Bar]:
    """What a run and its rollback did, by section, the first one first."""
    bars = [*_bars(report, 0.0)]
    if report.rollback:
        since = report.rollback.started_at - report.started_at
        bars += _bars(report.rollback, since.total_seconds() * 1_000)
    longest = sorted(bars, key=lambda bar: -bar.took_ms)[:MOST_BARS]
    return sorted((bar for bar in bars if bar in longest), key=lambda bar: bar.at_ms)


def timeline(report: Report) -> list[str]:
    """The chart and the table, as Markdown; nothing of a run that did nothing."""
    bars = bars_of(report)
    if not bars:
        return []
    rows = [
        (brief(bar.at_ms), brief(bar.took_ms), bar.section[:-1], code(bar.name))
        for bar in bars
    ]
    text = table(("at", "took", "what", "name"), rows)
    return [*chart(report, _tall(bars)), "", *text]


def chart(report: Report, bars: Iterable[Bar]) -> list[str]:
    """A Gantt chart by the viewer's clock."""
    began_ms = report.started_at.timestamp() * 1_000
    found = list(bars)
    look = f"%%{{init: {json.dumps(_LOOK)}}}%%"
    lines = [look, "gantt", "dateFormat x", *_axis(found)]
    for section in ("steps", "statements", "locks"):
        here = [bar for bar in found if bar.section == section]
        if here:
            lines.append(f"section {section}")
        for bar in here:
            start = round(began_ms + bar.at_ms)
            end = max(start + 1, round(began_ms + bar.at_ms + bar.took_ms))
            # A word in front: a task must not begin like a line of another kind.
            said = bar.name.replace(": ", " ")
            name = _NOT_IN_A_BAR.sub("_", f"{section[:-1]} {said}")
            tag = f"{bar.weight}, " if bar.weight else ""
            lines.append(f"{name} :{tag}{start}, {end}")
    return block("\n".join(lines), "mermaid")


def seconds(milliseconds: float) -> str:
    """A moment or a duration, to a millisecond where that is much."""
    if milliseconds < 1_000:
        return f"{milliseconds:,.0f} ms"
    return f"{milliseconds / 1_000:,.2f} s"


def brief(milliseconds: float) -> str:
    """The same, for a cell of a table."""
    return unbroken(seconds(milliseconds))


def _tall(bars: list[Bar]) -> list[Bar]:
    """Those that can be seen: a transaction has dozens of statements of a few ms."""
    end_ms = max(bar.at_ms + bar.took_ms for bar in bars)
    least_ms = LEAST_SHARE * (end_ms - min(bar.at_ms for bar in bars))
    return [b for b in bars if b.section != "statements" or b.took_ms >= least_ms]


def _axis(bars: list[Bar]) -> list[str]:
    """The clock below the chart, with few enough moments to stand beside each other."""
    end_ms = max(bar.at_ms + bar.took_ms for bar in bars)
    span_ms = end_ms - min(bar.at_ms for bar in bars)
    apart_ms = next((ms for ms in _APART_MS if span_ms / ms <= MOST_MOMENTS), None)
    form = "%S.%L s" if end_ms < 30_000 else "%H:%M:%S"
    ticks = [f"tickInterval {apart_ms}millisecond"] if apart_ms else []
    return [f"axisFormat {form}", *ticks]


def _bars(report: Report, later_ms: float) -> Iterator[Bar]:
    prefix = "rollback " if later_ms else ""
    for phase in report.phases:
        name, took_ms = f"{prefix}{phase.name}", phase.seconds * 1_000
        yield Bar("steps", name, later_ms + phase.at_ms, took_ms)
    for done in report.applied.statements if report.applied else ():
        at_ms = later_ms + done.at_ms
        yield Bar("statements", done.summary, at_ms, done.milliseconds)
    locks = report.applied.locks if report.applied else []
    for lock in [*locks, *report.locks_in_vain]:
        if lock.blocks != NOTHING:
            name = f"{lock.mode} on {lock.table}"
            at_ms = later_ms + lock.at_ms
            yield Bar("locks", name, at_ms, lock.held_ms, _weight(lock))


def _weight(lock: LockHeld) -> Literal["crit", "active", ""]:
    if "reads" in lock.blocks:
        return "crit"
    return "active" if "writes" in lock.blocks else ""
