"""Where a run of a deployment takes place; steps of prefect.yaml, run by Prefect.

Prefect's own step ends a run, as crashed, on a worker that does not have the folder.
"""

import os
from pathlib import Path


def here() -> dict[str, str]:
    """A step of `prefect deploy`: the folder that it is run in."""
    return {"directory": str(Path.cwd())}


def enter(directory: str) -> dict[str, str]:
    """A step before each run: go there, or stay where the worker has put the run."""
    if Path(directory).is_dir():
        os.chdir(directory)
    return {"directory": str(Path.cwd())}
