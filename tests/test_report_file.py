"""The report's file: whole, or not at all."""

import json
from pathlib import Path

import pytest

from flows.migration.outcome import Outcome
from flows.migration.redaction import hide
from flows.migration.report import Report
from flows.report_file import write_report


@pytest.fixture
def ended() -> Report:
    return Report(action="deploy", version="008", run_id="1").conclude(Outcome.DEPLOYED)


def test_ending_says_which_form(ended: Report, tmp_path: Path) -> None:
    for name in ("a.md", "a.JSON"):
        write_report(tmp_path / name, ended)
    assert (tmp_path / "a.md").read_text().startswith("# ✅ DEPLOYED")
    assert json.loads((tmp_path / "a.JSON").read_text())["outcome"] == "DEPLOYED"


def test_earlier_report_is_replaced_and_not_written_over(
    ended: Report, tmp_path: Path
) -> None:
    """Who reads it just then has the one or the other whole."""
    (tmp_path / "a.md").write_text("an earlier one")
    with (tmp_path / "a.md").open() as reader:
        write_report(tmp_path / "a.md", ended)
        assert reader.read() == "an earlier one"
    assert [path.name for path in tmp_path.iterdir()] == ["a.md"]


@pytest.mark.parametrize("name", ["a.md", "a.json"])
def test_no_secret_is_written(ended: Report, tmp_path: Path, name: str) -> None:
    hide(["of|course-secret"])
    ended.errors = ["it is of|course-secret, it said"]
    write_report(tmp_path / name, ended)
    assert "course-secret" not in (tmp_path / name).read_text()


def test_report_may_be_read_like_any_other_file(ended: Report, tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    write_report(tmp_path / "a.md", ended)
    assert (tmp_path / "a.md").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_failure_leaves_nothing_half_written(ended: Report, tmp_path: Path) -> None:
    (tmp_path / "a.md").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_report(tmp_path / "a.md", ended)
    assert [path.name for path in tmp_path.iterdir()] == ["a.md"]
