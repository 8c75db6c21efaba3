"""What the benchmark's command line refuses."""

import subprocess
import sys

import pytest

from tests.benchmarks.traffic import CHECKOUT


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.benchmarks", *arguments]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--users", "many"), "--users many: not numbers of at least 20"),
        (("--users", "10"), "--users 10: not numbers of at least 20"),
        (("--arms", "psgl"), "--arms: there is no psgl"),
    ],
)
def test_bench_refuses_with_one_message(arguments, message):
    done = bench(*arguments)
    assert done.returncode == 2
    assert message in done.stderr and "Traceback" not in done.stderr
