"""The benchmark's command line: what it refuses, and how it is stopped."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from tests.benchmarks.ground import this_machine
from tests.benchmarks.page import FIGURES, MARK, read_json, write_json
from tests.benchmarks.test_figures import figures_of, one_round
from tests.benchmarks.traffic import CHECKOUT

BENCH = [sys.executable, "-m", "tests.benchmarks"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--users", "many"), "--users many: not numbers of at least 20"),
        (("--users", "10"), "--users 10: not numbers of at least 20"),
        (("--arms", "psgl"), "--arms: there is no psgl"),
    ],
)
def test_bench_refuses_with_one_message(arguments, message):
    command = [*BENCH, *arguments]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True)
    assert done.returncode == 2
    assert message in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("is_elsewhere", [False, True])
def test_bench_of_one_arm_keeps_the_others_on_its_page(server, tmp_path, is_elsewhere):
    machine = this_machine(server)
    if is_elsewhere:
        machine = machine.model_copy(update={"processors": 999})
    kept = figures_of(one_round("auto", 9)).model_copy(update={"machine": machine})
    write_json(kept, tmp_path / FIGURES)
    (tmp_path / "benchmark.md").write_text(MARK)
    command = [*BENCH, "--users", "20", "--rounds", "1", "--arms", "idle", "--docs"]
    done = subprocess.run([*command, str(tmp_path)], cwd=CHECKOUT, timeout=120)
    assert done.returncode == (2 if is_elsewhere else 0)
    figures = read_json(tmp_path / FIGURES)
    assert figures and figures.arms == ["auto", *([] if is_elsewhere else ["idle"])]


def test_bench_leaves_nothing_running_after_ctrl_c():
    command = [*BENCH, "--users", "20", "--rounds", "1", "--arms", "idle"]
    # A group of its own, as a terminal makes one: Ctrl-C goes to all of it.
    with subprocess.Popen(
        command, cwd=CHECKOUT, stderr=subprocess.PIPE, process_group=0
    ) as bench:
        started = running_below(bench.pid, "tests.benchmarks.traffic")
        os.killpg(bench.pid, signal.SIGINT)
        _, message = bench.communicate(timeout=30)
    assert bench.returncode == 130
    assert message == b"Stopped; nothing is left running.\n"
    assert psutil.wait_procs(started, timeout=10)[1] == []


def running_below(pid: int, awaited: str) -> list[psutil.Process]:
    """All processes below one, as soon as the awaited module is among them."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        below = psutil.Process(pid).children(recursive=True)
        if any(runs(process, awaited) for process in below):
            return below
        time.sleep(0.1)
    raise AssertionError(f"{awaited} was not started")


def runs(process: psutil.Process, module: str) -> bool:
    try:
        return module in process.cmdline()
    except psutil.Error:
        return False
