"""The pilot: a real flow, flown in a process of its own that may be killed.

Processes are forked from one that has imported everything already, so that each takes
a few hundredths of a second; Prefect's engine is away, the code is the flows' own.
"""

import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from threading import Thread
from typing import Literal

from flows.migration.outcome import Outcome
from flows.migration.report import Report
from flows.migration.strategy import Wish

Action = Literal["deploy", "rollback", "recover"]
REPORT = "REPORT "
PATIENCE_S = 180.0
"""A pilot that takes longer hangs, and is killed."""

_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.faults.cockpit"])


@dataclass(frozen=True)
class Order:
    """What a pilot is to fly.

    Attributes:
        settings: values of the product's modules that are changed for this pilot.
        without: guards of the product's that are switched off, see `teeth`.
    """

    action: Action
    environment: Mapping[str, str]
    folder: str
    strategy: Wish = "transactional"
    budget_ms: int = 20_000
    workers: int = 2
    settings: Mapping[str, object] = field(default_factory=dict)
    without: tuple[str, ...] = ()


@dataclass
class Seen:
    """What could be seen of one flight from outside.

    Attributes:
        outcome: as it was reported; None of a pilot that said nothing any more.
        said: everything that came out of it, line by line.
        may_be_unknown: whether the truth was out of its reach.
    """

    action: Action
    outcome: Outcome | None
    said: list[str]
    report: Report | None = None
    seconds: float = 0.0
    was_killed: bool = False
    may_be_unknown: bool = False

    @property
    def run_id(self) -> str:
        return self.report.run_id if self.report else ""

    @property
    def errors(self) -> str:
        return "\n".join(self.report.errors) if self.report else ""


class Pilot:
    """A flight that is under way.

    Args:
        on_line: called with each line that it says, in a thread of its own.
    """

    def __init__(
        self, order: Order, on_line: Callable[[str], None] | None = None
    ) -> None:
        self.order = order
        self._on_line = on_line
        self._said: list[str] = []
        self._started = time.monotonic()
        self._was_killed = False
        ours, its = _CONTEXT.Pipe(duplex=False)
        self._process = _CONTEXT.Process(target=_fly, args=(order, its), daemon=True)
        self._process.start()
        its.close()
        self._listener = Thread(target=self._listen, args=(ours,), daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        assert self._process.pid
        return self._process.pid

    @property
    def is_over(self) -> bool:
        return not self._process.is_alive()

    def kill(self) -> None:
        """SIGKILL: nothing is said, nothing is cleaned up."""
        self._was_killed = True
        self._signal(signal.SIGKILL)

    def stop(self) -> None:
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def interrupt(self) -> None:
        self._signal(signal.SIGINT)

    def wait(self, for_s: float = PATIENCE_S) -> Seen:
        """Wait for its end; what hangs is killed, and has said nothing."""
        self._process.join(for_s)
        if self._process.is_alive():
            self._said.append(f"THE PILOT HUNG for {for_s:g} s")
            self._process.kill()
            self._process.join()
        self._listener.join()
        return self._seen()

    def _signal(self, number: int) -> None:
        # Gone already: then it was quicker.
        if self._process.is_alive():
            os.kill(self.pid, number)

    def _listen(self, ours: Connection) -> None:
        with os.fdopen(os.dup(ours.fileno()), errors="replace") as lines:
            ours.close()
            for line in lines:
                self._said.append(line.rstrip("\n"))
                if self._on_line:
                    self._on_line(line.rstrip("\n"))

    def _seen(self) -> Seen:
        report = None
        for line in self._said:
            if line.startswith(REPORT):
                report = Report.model_validate_json(line.removeprefix(REPORT))
        return Seen(
            action=self.order.action,
            outcome=report.outcome if report else None,
            said=self._said,
            report=report,
            seconds=time.monotonic() - self._started,
            was_killed=self._was_killed,
        )


def _fly(order: Order, out: Connection) -> None:
    # Imported in the process that is forked, and never in this one.
    from tests.faults.cockpit import fly

    fly(order, out)
