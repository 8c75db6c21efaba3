"""Somebody who follows the README, in a folder with prefect.yaml and migrations."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from flows.demo.loopback import HOST, free_port
from flows.demo.world import World
from tests.fix_deployments import end, wait_for_server

CHECKOUT = Path(__file__).resolve().parents[1]
USUAL_PORT = "4200"
PATIENCE_S = 180.0
OF_CI = {
    "MIGRATION": "008",
    "GITHUB_RUN_ID": "17",
    "GITHUB_RUN_ATTEMPT": "1",
    "GITHUB_JOB": "deploy",
    "CI_JOB_ID": "23",
}
"""What CI's own environment says."""


@dataclass
class Newcomer:
    """Types one line after the other; what stays in the foreground goes on.

    Attributes:
        given: what stands for the values that the README makes up.
        typed: what every new terminal has to be told again.
        last: what the last command printed.
    """

    folder: Path
    given: Mapping[str, str]
    port: int = field(default_factory=free_port)
    typed: list[str] = field(default_factory=list)
    staying: "list[subprocess.Popen[bytes]]" = field(default_factory=list)
    last: str = ""

    def type(self, line: str) -> None:
        """Type a line of the README, in bash."""
        line = line.replace(USUAL_PORT, str(self.port))
        name = line.removeprefix("export ").partition("=")[0]
        if line.startswith("export ") and name in self.given:
            return
        if line.startswith(("export ", ". ")):
            self.typed.append(line)
        elif line.startswith(("prefect server start", "prefect worker start")):
            self._start(line)
        else:
            self._run(line)

    def stop(self) -> None:
        for process in reversed(self.staying):
            end(process)

    def _start(self, line: str) -> None:
        with (self.folder / "terminal.log").open("ab") as log:
            self.staying.append(
                subprocess.Popen(
                    self._in_bash(f"exec {line}"),
                    cwd=self.folder,
                    env=self._environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            )
        if "server" in line:
            wait_for_server(f"http://{HOST}:{self.port}/api")

    def _run(self, line: str) -> None:
        done = subprocess.run(
            self._in_bash(line),
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE_S,
        )
        self.last = done.stdout
        assert done.returncode == 0, (line, done.returncode, done.stdout)

    def _in_bash(self, line: str) -> list[str]:
        return ["bash", "-euc", "\n".join([*self.typed, line])]

    @property
    def _environment(self) -> dict[str, str]:
        ours = ("PREFECT_", "PGFLIGHT_", "DATABASE_URL")
        kept = {n: v for n, v in os.environ.items() if not n.startswith(ours)}
        return {
            **kept,
            **OF_CI,
            **self.given,
            "PREFECT_HOME": str(self.folder / "prefect"),
            "PREFECT_SERVER_API_PORT": str(self.port),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
        }


@pytest.fixture
def newcomer(world: World, application: str, tmp_path: Path) -> Iterator[Newcomer]:
    """With the world as the target; what was started is stopped afterwards."""
    shutil.copy(CHECKOUT / "prefect.yaml", tmp_path)
    migrations = tmp_path / "db" / "migrations"
    shutil.copytree(CHECKOUT / "sql" / "migrations", migrations)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    target = world.environment(application)
    newcomer = Newcomer(tmp_path, {**target, "PGFLIGHT_MIGRATIONS": str(migrations)})
    try:
        yield newcomer
    finally:
        newcomer.stop()
