"""Output whose reader is gone, in a process of its own."""

import os
import subprocess
import sys

import pytest

LINES = """
import sys
from rich.console import Console
from flows.lasting import outlive_readers
outlive_readers()
for name in ("stdout", "stderr"):
    console = Console(file=getattr(sys, name), emoji=False)
    for _ in range(3):
        console.print("❌ a line")
        print("another", file=getattr(sys, name))
sys.exit(20)
"""


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_exit_code_survives_a_reader_that_is_gone(stream: str) -> None:
    read, write = os.pipe()
    os.close(read)
    elsewhere = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    given = {**elsewhere, stream: write}
    command = [sys.executable, "-c", LINES]
    done = subprocess.run(command, stdout=given["stdout"], stderr=given["stderr"])
    os.close(write)
    assert done.returncode == 20


@pytest.mark.parametrize("redirection", [">/dev/full 2>&1", ">&- 2>&-"])
def test_full_disk_and_closed_stream_change_nothing(redirection: str) -> None:
    command = f'exec "$0" -c "$1" {redirection}'
    done = subprocess.run(["sh", "-c", command, sys.executable, LINES])
    assert done.returncode == 20


def test_what_the_encoding_does_not_have_is_a_question_mark() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LINES],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 20
    assert "? a line" in done.stdout
