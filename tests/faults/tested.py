"""Experiments that are tests of their own: pytest flies them, and they are counted."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[1]


@dataclass(frozen=True)
class Tested:
    """One of the twenty, as a file of tests.

    Attributes:
        file: beside this one, or by its way from here.
    """

    number: str
    title: str
    file: str


TESTED = (
    Tested("F13", "Endpoint that fails in every way", "test_f13.py"),
    Tested("F14", "Plan cached on a warm connection", "test_f14.py"),
    Tested("F17", "Hostile files, refused; good ones, not", "test_corpus.py"),
    Tested("F19", "Prefect's processes killed", "../test_prefect_crashes.py"),
    Tested("F20", "Wrong target, role or pooler", "test_f20.py"),
)


def fly(tested: Tested, bin_dir: Path) -> tuple[int, list[str]]:
    """How many tests passed on this server, and which did not."""
    with TemporaryDirectory() as temporary:
        said = Path(temporary) / "said.xml"
        subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "-q",
                f"--junit-xml={said}",
                HERE / tested.file,
            ],
            cwd=CHECKOUT,
            env={**os.environ, "PGFLIGHT_TEST_SERVER_BIN": str(bin_dir)},
            stdout=subprocess.DEVNULL,
        )
        cases = list(ElementTree.parse(said).iter("testcase"))
    failed = [
        f"{case.get('classname')}::{case.get('name')}"
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    ]
    skipped = sum(case.find("skipped") is not None for case in cases)
    return len(cases) - len(failed) - skipped, failed
