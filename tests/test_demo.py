"""The demo from start to end, as ``make demo`` runs it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def run_demo(
    home: Path, *arguments: str, users: int = 500
) -> "subprocess.CompletedProcess[str]":
    """Run it with an empty home and cache."""
    names = ("PATH", "LANG", "VIRTUAL_ENV", "PYTHONPATH", "PYTHONPYCACHEPREFIX")
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "flows.cli", "demo", "--users", str(users), *arguments],
        env={**kept, "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_demo_deploys_008_and_reports_007_on_hold(tmp_path: Path) -> None:
    done = run_demo(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "BLOCKED  deploy 007" in done.stdout
    assert "DEPLOYED  deploy 008" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]


@pytest.mark.parametrize("part", ["endpoint", "backfill", "functions"])
def test_broken_demo_ends_as_before(part: str, tmp_path: Path) -> None:
    done = run_demo(tmp_path, "--break", part)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ROLLED_BACK  deploy 008" in done.stdout
    assert done.stdout.count(": as before") == 2


def test_large_demo_goes_online(tmp_path: Path) -> None:
    """As a million users do; these are just too many for one transaction."""
    done = run_demo(tmp_path, users=60_000)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (
        "Strategy online: in one transaction the application would wait" in done.stdout
    )
    assert "DEPLOYED  deploy 008" in done.stdout
    assert "applied online: " in done.stdout
