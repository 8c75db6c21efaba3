"""CI's rule that a skipped test has failed, on small test files."""

import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]

ONE_SKIPPED = """
import pytest
@pytest.mark.skip(reason="no server")
def test_of_a_server(): pass
"""
FILE_SKIPPED = """
import pytest
pytest.importorskip("no_such_module")
"""
EXPECTED_TO_FAIL = """
import pytest
@pytest.mark.xfail
def test_to_come(): assert False
def test_that_is(): pass
"""
ALL_GOOD, SOME_FAILED, NOTHING_COLLECTED, COLLECTION_ERROR = 0, 1, 5, 2


def run_pytest(folder: Path, source: str, ci: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_sample.py").write_text(source)
    command = [sys.executable, "-m", "pytest", "-p", "tests.fix_ci"]
    return subprocess.run(
        [*command, "-p", "no:cacheprovider", "--rootdir", str(folder), str(folder)],
        env={"PYTHONPATH": str(CHECKOUT), "PGFLIGHT_CI": ci},
        cwd=folder,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("source", "in_ci", "elsewhere"),
    [
        (ONE_SKIPPED, SOME_FAILED, ALL_GOOD),
        (FILE_SKIPPED, COLLECTION_ERROR, NOTHING_COLLECTED),
        (EXPECTED_TO_FAIL, ALL_GOOD, ALL_GOOD),
    ],
    ids=["a test", "a file", "an expected failure"],
)
def test_skipping_fails_only_in_ci(
    tmp_path: Path, source: str, in_ci: int, elsewhere: int
) -> None:
    assert run_pytest(tmp_path, source, "1").returncode == in_ci
    assert run_pytest(tmp_path, source, "").returncode == elsewhere


def test_skipped_test_names_its_reason(tmp_path: Path) -> None:
    printed = run_pytest(tmp_path, ONE_SKIPPED, "1").stdout
    assert "skipped, which CI does not accept" in printed
    assert "no server" in printed
