"""Several runs, each held at a step of its own, and one fault that hits them all."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

from tests.crashes import story
from tests.crashes.ground import AUDIT, OURS, Field
from tests.crashes.held import Held, held_at
from tests.crashes.site import Service, Site, is_alive, wait_for

OUTAGE_S = 120.0
LOCKED_S = 8.0
"""Longer than Prefect's SQLite waits for its lock at first, and it is tried again."""


@dataclass
class Batch:
    """Runs that are held, and the worker that they belong to."""

    site: Site
    worker: Service
    runs: list[Held]

    def release(self) -> None:
        for run in self.runs:
            run.release()


@contextmanager
def held_batch(field: Field, site: Site, stops: Sequence[str]) -> Iterator[Batch]:
    """A worker of their own; every run is at its stop."""
    queue = f"queue-{time.time_ns()}"
    worker = site.start_worker(queue)
    with ExitStack() as stack:
        stack.callback(worker.stop)
        runs = [stack.enter_context(held_at(stop, field, site)) for stop in stops]
        for run in runs:
            run.start(site, queue)
        for run in runs:
            run.wait(site)
        yield Batch(site, worker, runs)


def cancel(batch: Batch) -> None:
    """The Cancel button. What was held is given up; what comes after it may go on."""
    for run in batch.runs:
        at_work = _sessions(run)
        batch.site.set_state(run.run_id, "CANCELLING", "Cancelling", force=False)
        wait_for(partial(_has_moved, run, at_work), f"the end of {run.stop}")
        run.release()
    for run in batch.runs:
        story.wait_until_over(run)
        # Prefect kills what takes longer than 30 s, and then nobody tells it.
        assert story.is_told(run.ground), run.ground.ask(AUDIT)


def kill_flow(batch: Batch) -> None:
    """Out of memory, for example."""
    for run in batch.runs:
        os.kill(run.pid, signal.SIGKILL)


def kill_worker(batch: Batch) -> None:
    """Its runs are orphans, and go on."""
    batch.worker.send(signal.SIGKILL)
    batch.release()


def stop_worker(batch: Batch) -> None:
    """systemctl stop: Prefect's worker kills its runs."""
    batch.worker.send(signal.SIGTERM)


def kill_server(batch: Batch, for_s: float = 0.0) -> None:
    """The runs do what they are to do without it; it is started again afterwards.

    Args:
        for_s: it stays away for at least so long.
    """
    server = batch.site.services[0]
    server.send(signal.SIGKILL)
    until = time.monotonic() + for_s
    batch.release()
    for run in batch.runs:
        wait_for(partial(story.is_told, run.ground), f"{run.stop} without a server")
    wait_for(lambda: time.monotonic() > until, "the outage's end", for_s + 1)
    server.start()
    batch.site.wait_until_up()
    # What they have left is to report to it, which they try again after up to a minute.
    batch.worker.stop()


def lock_server(batch: Batch) -> None:
    """Somebody holds the lock of the server's SQLite while the runs go on."""
    with batch.site.locked():
        batch.release()
        until = time.monotonic() + LOCKED_S
        wait_for(lambda: time.monotonic() > until, "the time of the lock")


FAULTS: dict[str, Callable[[Batch], None]] = {
    "cancel": cancel,
    "kill-flow": kill_flow,
    "kill-worker": kill_worker,
    "stop-worker": stop_worker,
    "kill-server": kill_server,
    "outage": partial(kill_server, for_s=OUTAGE_S),
    "lock-server": lock_server,
}


def judge(batch: Batch) -> None:
    """After the fault, after recovery, and after a later deployment."""
    for run in batch.runs:
        story.wait_until_over(run)
        story.assert_nobody_left(run.ground)
        story.assert_true(run.ground)
        story.assert_prefect_agrees(run, batch.site)
    for run in batch.runs:
        run.release()
        story.recover(run.ground)
        story.deploy_again(run.ground)


def _sessions(run: Held) -> set[int]:
    return {row[0] for row in run.ground.ask(OURS)}


def _has_moved(run: Held, at_work: set[int]) -> bool:
    """Whether it has ended what it was at, or has begun with its way back."""
    return not is_alive(run.pid) or _sessions(run) != at_work
