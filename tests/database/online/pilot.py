"""A process that flies 008 online, and kills itself in the middle: see `conftest`."""

import os
import signal
import sys
from pathlib import Path
from uuid import uuid4

from flows.database.online.apply import apply_online
from flows.database.preflight.clearance import clear
from flows.database.preflight.flight import flight_of
from flows.migration.report import Report
from flows.migration.strategy import Terms
from flows.targets import aimed_at


def main(folder: str, kill_after: int) -> None:
    said = 0

    def say(line: str) -> None:
        nonlocal said
        said += 1
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
        if said == kill_after:
            os.kill(os.getpid(), signal.SIGKILL)

    terms = Terms(10_000, "online")
    clearance = clear(Path(folder), "008", aimed_at, terms)
    report = Report(action="deploy", version="008", run_id=str(uuid4()))
    apply_online(flight_of(report, clearance, terms), say)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
