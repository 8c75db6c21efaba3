"""The timeline: true to the clock, and never broken by a name."""

import json
import re
from datetime import timedelta

import pytest

from flows.migration.report import (
    Applied,
    LockHeld,
    Phase,
    Report,
    StatementTiming,
    Waits,
)
from flows.migration.timeline import MOST_BARS, bars_of, timeline

TASK = re.compile(r"(step|statement|lock) [^:;#,`\n]+ :((crit|active), )?\d+, \d+")


def lock(table: str, blocks: str = "writes", held_ms: float = 5) -> LockHeld:
    return LockHeld(table=table, mode="SHARE", blocks=blocks, held_ms=held_ms, at_ms=20)


def flown(*locks: LockHeld) -> Report:
    report = Report(action="deploy", version="008", run_id="1")
    report.phases = [Phase(name="apply", seconds=0.03, at_ms=10)]
    report.applied = Applied(
        total_ms=30, rows=0, statements=[], locks=list(locks), waits=Waits(), checks=[]
    )
    return report


def chart(report: Report) -> list[str]:
    lines = timeline(report)
    return lines[1 : lines.index("```")]


@pytest.mark.parametrize("name", ["a:b", "a;b", "a,b", "a#b", "a`b", "a\nb", "%%{x}%%"])
def test_no_name_breaks_the_chart(name: str) -> None:
    tasks = [line for line in chart(flown(lock(name))) if line.startswith("lock ")]
    assert len(tasks) == 1
    assert TASK.fullmatch(tasks[0])


def test_chart_is_by_the_clock() -> None:
    report = flown(lock("t"))
    began = round(report.started_at.timestamp() * 1_000)
    start, end = map(int, re.findall(r"\d{9,}", chart(report)[-1]))
    assert start - began == pytest.approx(20, abs=1)
    assert end - start == pytest.approx(5, abs=1)


def test_outage_is_drawn_as_critical() -> None:
    tasks = chart(
        flown(lock("t", "reads and writes"), lock("u", "schema changes only"))
    )
    assert [":crit, " in task for task in tasks[-2:]] == [True, False]


def test_lock_that_blocks_nothing_is_not_drawn() -> None:
    assert chart(flown(lock("t", "nothing that an application does")))[-1].startswith(
        "step apply"
    )


def test_rollback_comes_after_what_it_takes_back() -> None:
    report = flown()
    report.rollback = Report(
        action="rollback",
        version="008",
        run_id="2",
        started_at=report.started_at + timedelta(seconds=2),
        phases=[Phase(name="revert", seconds=0.1, at_ms=7)],
    )
    last = bars_of(report)[-1]
    assert (last.name, last.at_ms) == ("rollback revert", 2_007)


def test_of_very_many_the_longest_are_drawn() -> None:
    many = [lock(f"t{n}", held_ms=n) for n in range(MOST_BARS * 2)]
    names = {bar.name for bar in bars_of(flown(*many))}
    assert len(names) == MOST_BARS
    assert f"SHARE on t{MOST_BARS * 2 - 1}" in names


def test_chart_has_statements_that_can_be_seen() -> None:
    """The table has all."""
    report = flown()
    assert report.applied
    report.applied.statements = [
        StatementTiming(
            where="up.sql:1:1", summary=name, milliseconds=took_ms, rows=0, at_ms=12
        )
        for name, took_ms in (("UPDATE t", 20.0), ("COMMENT ON t", 0.1))
    ]
    shown = "\n".join(chart(report))
    assert "UPDATE t" in shown
    assert "COMMENT ON t" not in shown
    assert "COMMENT ON t" in "\n".join(timeline(report))


def test_chart_brings_its_own_page() -> None:
    """Prefect draws dark text on a dark page."""
    assert chart(flown())[0].startswith("%%{init: ")


def _contrast(one: str, other: str) -> float:
    """As WCAG has it, with a gamma as near as this needs."""

    def light(colour: str) -> float:
        parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        weighed = zip((0.2126, 0.7152, 0.0722), parts, strict=True)
        return sum(float(weight * part**2.2) for weight, part in weighed)

    lighter, darker = sorted((light(one), light(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("page", ["#ffffff", "#0d1117", "#0f172b"])
def test_words_are_readable_on_each_page(page: str) -> None:
    """White, GitHub's dark one and Prefect's; also where the CSS is not taken."""
    look = json.loads(chart(flown(lock("t")))[0][len("%%{init: ") : -len("}%%")])
    colours = look["themeVariables"]
    for name in ("textColor", "titleColor", "taskTextOutsideColor"):
        assert _contrast(colours[name], page) > 4
    for bar in ("taskBkgColor", "activeTaskBkgColor", "critBkgColor"):
        assert _contrast(colours["taskTextColor"], colours[bar]) > 4


def test_run_that_did_nothing_has_none() -> None:
    assert timeline(Report(action="deploy", version="008", run_id="1")) == []


def test_table_says_it_where_nothing_is_drawn() -> None:
    assert "| 20\u00a0ms | 5\u00a0ms | lock | `SHARE on t` |" in timeline(
        flown(lock("t"))
    )
