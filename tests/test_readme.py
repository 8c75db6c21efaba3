"""Every command in the README is run by a test, and those here are run as written."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from flows.demo.world import World

README = Path(__file__).resolve().parents[1] / "README.md"

RUN_BY = {
    "make demo": "tests/test_demo.py",
    "make demo BREAK=endpoint": "tests/test_demo.py",
    "make demo BREAK=backfill": "tests/test_demo.py",
    "make demo BREAK=functions": "tests/test_demo.py",
    "make demo USERS=1000000": "tests/test_demo.py",
    "make test": ".ci/run",
    "pip install 'pgflight[demo]'": "tests/test_package.py",
    "prefect work-pool create pgflight --type process": "tests/fix_deployments.py",
    "prefect --no-prompt deploy --all": "tests/fix_deployments.py",
    "prefect worker start --pool pgflight": "tests/fix_deployments.py",
    "prefect deployment run deploy-migration/production --param migration=008"
    ' --start-in "6 hours"': "tests/test_prefect_deployments.py",
    "prefect deployment run rollback-migration/production --param migration=008"
    ' --param confirm=008 --start-in "10 minutes"': "tests/test_prefect_deployments.py",
    "prefect deployment run deploy-migration/production --param migration=008"
    " --watch": "tests/test_prefect_deployments.py",
}


def commands() -> Iterator[str]:
    """The lines of all ``sh`` blocks, without their comments."""
    for block in re.findall(r"```sh\n(.*?)```", README.read_text(), re.DOTALL):
        for line in block.splitlines():
            command = re.sub(r"\s+#.*", "", line)
            if command:
                yield command


def own_database() -> list[list[str]]:
    """The ``pgflight`` commands of the README, in its order."""
    return [shlex.split(line) for line in commands() if line.startswith("pgflight ")]


def test_every_command_is_run_somewhere() -> None:
    others = {c for c in commands() if not c.startswith(("pgflight ", "export "))}
    assert others == RUN_BY.keys()


def test_own_database_as_written(
    prefect: None, world: World, application: str, folder: Path
) -> None:
    from prefect.settings import PREFECT_API_URL

    variables = {
        **os.environ,
        **world.environment(application),
        "PGFLIGHT_MIGRATIONS": str(folder),
        "PREFECT_API_URL": str(PREFECT_API_URL.value()),
    }
    for _, *arguments in own_database():
        done = subprocess.run(
            [sys.executable, "-m", "flows.cli", *arguments],
            env=variables,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)


def test_exported_variables_are_those_that_are_read() -> None:
    names = {c.split()[1].split("=")[0] for c in commands() if c.startswith("export ")}
    assert names == {"DATABASE_URL", "PGFLIGHT_MIGRATIONS", "PGFLIGHT_ENDPOINT"}
