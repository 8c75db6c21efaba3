"""Medians, targets, tables and plots, on figures made up for it."""

from io import StringIO
from xml.etree import ElementTree

import pytest
from rich.console import Console

from flows.migration.errors import BadInput
from tests.benchmarks.figures import Figures, Machine, Round, Share, Stream
from tests.benchmarks.page import (
    BEGIN,
    END,
    FIGURES,
    MARK,
    read_json,
    write_json,
    write_page,
)
from tests.benchmarks.plot import Axis, draw, spread
from tests.benchmarks.tables import tables
from tests.benchmarks.targets import TARGETS, Limit, Median, Target


def one_round(arm: str, wall_ms: float, failure: str = "") -> Round:
    return Round(
        users=100,
        arm=arm,
        wall_ms=wall_ms,
        writes=Stream(statements=9, longest_ms=wall_ms, errors=1),
        reads=Stream(statements=9, longest_ms=2 * wall_ms, errors=2),
        failure=failure,
    )


def figures_of(*rounds: Round, day: str = "2025-01-01", processors: int = 2) -> Figures:
    machine = Machine(
        processors=processors, memory_gb=8, system="Linux", postgresql="18.6"
    )
    return Figures(measured_on=day, machine=machine, settings={}, rounds=list(rounds))


def one_share(run_s: float, first_step_s: float) -> Share:
    return Share(
        users=100, by_itself_s=1, import_s=2, run_s=run_s, first_step_s=first_step_s
    )


AUTO, PSQL = Median(100, "auto", "wall_ms"), Median(100, "psql-usual", "wall_ms")


def target(limit: float) -> Target:
    return Target("time", AUTO, PSQL, limit)


@pytest.fixture
def figures() -> Figures:
    return figures_of(one_round("psql-usual", 1_000), one_round("auto", 10))


def test_median_is_of_the_middle_round():
    figures = figures_of(*(one_round("auto", wall) for wall in (9, 1, 2)))
    assert figures.median(100, "auto", "wall_ms") == 2


def test_median_leaves_failed_rounds_out():
    failed = one_round("auto", 1, failure="no")
    figures = figures_of(failed, one_round("auto", 5))
    assert figures.median(100, "auto", "wall_ms") == 5


def test_median_of_what_was_not_measured_is_none(figures):
    assert figures.median(100, "auto", "peak_mb") is None


def test_stall_is_the_longer_of_the_two(figures):
    assert figures.median(100, "auto", "stall_ms") == 20


@pytest.mark.parametrize(
    ("limit", "verdict"),
    [(1 / 50, "reached by a factor of 2.00"), (1 / 400, "missed by a factor of 4.00")],
)
def test_target_says_by_how_much(figures, limit, verdict):
    assert target(limit).verdict(figures) == verdict


def test_target_of_a_difference_is_in_megabytes(figures):
    target = Target("memory", AUTO, PSQL, limit=-1_000, unit="MB")
    assert target.verdict(figures) == "missed by 10.0 MB"


def test_target_without_figures_is_not_measured():
    assert target(1).verdict(figures_of(one_round("auto", 1))) == "not measured"


def test_target_shows_small_ratios_as_fractions():
    assert [target(1).show(value) for value in (1 / 400, 0.7)] == ["1/400", "0.70"]


@pytest.mark.parametrize(
    ("shares", "verdict"),
    [
        ([one_share(run_s=3.4, first_step_s=2.9)], "reached by 0.1 s"),
        ([one_share(run_s=3.6, first_step_s=3.1)], "missed by 0.1 s"),
        ([], "not measured"),
    ],
)
def test_limit_of_a_share_is_in_seconds(shares, verdict):
    figures = figures_of().model_copy(update={"shares": shares})
    limits = [target for target in TARGETS if isinstance(target, Limit)]
    assert [limit.verdict(figures) for limit in limits] == [verdict] * 2


@pytest.fixture
def later() -> Figures:
    """Only Prefect's share, and one arm at one size."""
    figures = figures_of(one_round("auto", 7), day="2025-02-02")
    return figures.model_copy(update={"shares": [one_share(9, 9)]})


def test_run_of_some_arms_keeps_the_figures_of_the_others(figures, later):
    both = later.beside(figures)
    assert both.arms == ["psql-usual", "auto"]
    assert both.median(100, "psql-usual", "wall_ms") == 1_000
    assert both.median(100, "auto", "wall_ms") == 7
    assert both.share("run_s") == 9


def test_what_is_kept_keeps_its_day(figures, later):
    again = figures_of(day="2025-03-03").beside(later.beside(figures))
    days = {one.arm: one.older for one in again.rounds}
    assert days == {"psql-usual": "2025-01-01", "auto": "2025-02-02"}
    assert again.shares[0].older == "2025-02-02"
    assert again.days == ["2025-01-01", "2025-02-02", "2025-03-03"]


def test_page_says_from_which_day_a_figure_is(figures, later, tmp_path):
    (tmp_path / "benchmark.md").write_text(MARK)
    write_page(later.beside(figures), tmp_path)
    text = (tmp_path / "benchmark.md").read_text()
    assert "Measured on 2025-01-01 and 2025-02-02: 2 processors" in text
    assert "| psql-usual (2025-01-01) |" in text and "| auto  " in text


def test_figures_are_read_as_they_were_written(figures, later, tmp_path):
    written = later.beside(figures)
    write_json(written, tmp_path / FIGURES)
    assert read_json(tmp_path / FIGURES) == written
    assert read_json(tmp_path / "none.json") is None


def test_figures_of_another_machine_are_not_kept(figures):
    with pytest.raises(BadInput, match="another machine"):
        figures.assert_comparable(figures_of(processors=64))


def test_table_adds_up_the_errors_of_all_rounds():
    figures = figures_of(one_round("auto", 1), one_round("auto", 2))
    table = next(tables(figures))
    assert list(table.columns[5].cells) == ["6"]


def test_table_names_an_arm_that_failed():
    table = next(tables(figures_of(one_round("auto", 1, failure="no"))))
    cells = [cell for column in table.columns for cell in column.cells]
    assert cells[:2] == ["auto", "failed"]


def test_tables_name_every_arm_in_full_on_a_narrow_terminal():
    screen = StringIO()
    console = Console(width=80, file=screen)
    console.print(next(tables(figures_of(one_round("transactional-unverified", 1)))))
    assert "transactional-unverified" in screen.getvalue()


def test_axis_places_powers_of_ten_evenly():
    axis = Axis.around([20, 5_000], 0, 300)
    assert [axis.at(tick) for tick in axis.ticks] == pytest.approx([0, 100, 200, 300])


def test_plot_has_a_point_for_each_size_and_a_name_for_each_line():
    drawn = draw("Stall", {"auto": [(100, 1), (1_000, 2)], "psql": [(100, 9)]})
    root = ElementTree.fromstring(drawn)
    kinds = [element.tag.rpartition("}")[2] for element in root]
    assert kinds.count("circle") == 3
    assert {"auto", "psql"} <= {element.text for element in root}


def test_spread_keeps_names_apart_and_in_order():
    places = spread({"b": 101.0, "a": 100.0, "c": 200.0}, gap=10)
    assert places == {"a": 100.0, "b": 110.0, "c": 200.0}


def test_page_replaces_only_what_stands_below_the_mark(figures, tmp_path):
    page = tmp_path / "benchmark.md"
    page.write_text(f"By hand.\n\n{MARK}\nold\n")
    write_page(figures, tmp_path)
    text = page.read_text()
    assert text.startswith(f"By hand.\n\n{MARK}\n") and "old" not in text
    assert "| psql-usual | 1.0 s | 1.00" in " ".join(text.split())


def test_readme_has_the_stalls_between_its_marks(figures, tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "benchmark.md").write_text(MARK)
    readme = tmp_path / "README.md"
    readme.write_text(f"# Before\n\n{BEGIN}\nold\n{END}\n\nAfter\n")
    for _ in range(2):
        write_page(figures, tmp_path / "docs")
    text = readme.read_text()
    assert text.startswith(f"# Before\n\n{BEGIN}\n![Longest stall")
    assert text.endswith(f"{END}\n\nAfter\n") and "old" not in text
    assert text.count("| longest stall at |") == 1 and " at most |" not in text


def test_page_comes_with_figures_and_plots(figures, tmp_path):
    (tmp_path / "benchmark.md").write_text(MARK)
    write_page(figures, tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    plots = {"bench-stall.svg", "bench-time.svg"}
    assert names == {"benchmark.md", "bench.json", *plots}
