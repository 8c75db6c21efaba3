"""A campaign: rounds of all experiments on all servers that there are."""

from importlib import import_module
from pathlib import Path

from tests.faults.experiment import Experiment

HERE = Path(__file__).parent


def experiments() -> list[Experiment]:
    """All of them, by number: the modules named f<number>_<what>."""
    modules = sorted(path.stem for path in HERE.glob("f[0-9][0-9]_*.py"))
    return [import_module(f"tests.faults.{name}").EXPERIMENT for name in modules]
