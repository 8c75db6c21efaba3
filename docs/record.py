"""Record the demo as docs/demo.svg: run by ``make picture``."""

import os
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 100
PICTURE = Path(__file__).with_name("demo.svg")


def main() -> None:
    """Run the demo as a terminal would see it, and draw what it wrote."""
    demo = subprocess.run(
        [sys.executable, "-m", "flows.cli", "demo"],
        env={**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(WIDTH)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    console = Console(record=True, width=WIDTH, file=open(os.devnull, "w"))  # noqa: SIM115
    console.print(Text.from_ansi(demo.stdout))
    console.save_svg(str(PICTURE), title="make demo")


if __name__ == "__main__":
    main()
