"""Several runs, each held at a step of its own, and one fault that hits them all."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import LiteralString

from flows.migration.state_name import state_named
from tests.crashes import story
from tests.crashes.ground import AT_WORK, AUDIT, OURS, Field
from tests.crashes.held import Held, held_at
from tests.crashes.site import Service, Site, is_alive, wait_for

QUEUE = "held"
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
    """Every run is at its stop, on the worker that the last batch has left alive."""
    worker = _worker_of(site)
    with ExitStack() as stack:
        runs = [stack.enter_context(held_at(stop, field, site)) for stop in stops]
        try:
            for run in runs:
                run.start(site, QUEUE)
            for run in runs:
                run.wait(site)
            yield Batch(site, worker, runs)
        except BaseException:
            # And with it what the next batch would find of this one.
            worker.stop()
            raise


def _worker_of(site: Site) -> Service:
    workers = [one for one in site.services if one.arguments[0] == "worker"]
    alive = [one for one in workers if one.is_alive]
    return alive[0] if alive else site.start_worker(QUEUE)


def cancel(batch: Batch) -> None:
    """The Cancel button. What was held is given up; what comes after it may go on."""
    for run in batch.runs:
        at_work, claimed = _sessions(run, AT_WORK), _sessions(run, OURS)
        clicked = time.monotonic()
        batch.site.set_state(run.run_id, "CANCELLING", "Cancelling", force=False)
        while at_work & _sessions(run, OURS):
            late = time.monotonic() > clicked + story.GONE_WITHIN_S
            assert not late, (run.stop, run.ground.ask(OURS))
            time.sleep(0.05)
        wait_for(partial(_has_moved, run, claimed), f"the end of {run.stop}")
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
    try:
        batch.release()
        for run in batch.runs:
            told = partial(story.is_told, run.ground)
            wait_for(told, f"{run.stop} without a server")
        wait_for(lambda: time.monotonic() > until, "the outage's end", for_s + 1)
    finally:
        server.start()
        batch.site.wait_until_up()
    for run in batch.runs:
        # What it has left is to tell the server, tried again after up to a minute.
        with suppress(ProcessLookupError):
            os.kill(run.pid, signal.SIGKILL)


def restart_server(batch: Batch) -> None:
    """It is back before the runs have anything to tell it: they tell it themselves."""
    server = batch.site.services[0]
    server.send(signal.SIGKILL)
    server.start()
    batch.site.wait_until_up()
    batch.release()


def lock_server(batch: Batch) -> None:
    """Somebody holds the lock of the server's SQLite while the runs go on."""
    with batch.site.locked():
        batch.release()
        until = time.monotonic() + LOCKED_S
        wait_for(lambda: time.monotonic() > until, "the time of the lock")


@dataclass(frozen=True)
class Fault:
    """What hits a batch, and what becomes of it.

    Attributes:
        called: what Prefect may call a run then, beside its own outcome.
        goes_on: the runs come to the end that they were on their way to.
        takes_back: what was not accepted is taken back; no recovery goes on with it.
    """

    hit: Callable[[Batch], None]
    called: tuple[str, ...] = ()
    goes_on: bool = False
    takes_back: bool = False


FAULTS = {
    "cancel": Fault(cancel, ("Cancelled",), takes_back=True),
    "kill-flow": Fault(kill_flow, ("Crashed",)),
    "kill-worker": Fault(kill_worker, goes_on=True),
    # Nobody is left to tell it, until its heartbeat is missed.
    "stop-worker": Fault(stop_worker, ("Running",)),
    "kill-server": Fault(kill_server, ("Crashed",), goes_on=True),
    "restart-server": Fault(restart_server, goes_on=True),
    "outage": Fault(partial(kill_server, for_s=OUTAGE_S), ("Crashed",), goes_on=True),
    "lock-server": Fault(lock_server, goes_on=True),
}


def judge(batch: Batch, fault: Fault) -> None:
    """After the fault; then what was not accepted is recovered, and deployed again."""
    for run in batch.runs:
        story.wait_until_over(run)
        story.assert_nobody_left(run.ground)
        story.assert_true(run.ground)
        if fault.goes_on:
            story.assert_went_on(run)
        if fault.takes_back and not run.is_accepted:
            assert run.ground.position() == "before", run.ground.ask(AUDIT)
        names = {*fault.called, *([state_named(run.ends_as)] if fault.goes_on else [])}
        story.assert_prefect_says(run, batch.site, names)
    settle(batch, takes_back=fault.takes_back)


def settle(batch: Batch, *, takes_back: bool = False) -> None:
    """What a recovery makes of it, and a later deployment."""
    for run in batch.runs:
        run.release()
        is_gone = takes_back and not run.is_accepted
        story.recover(run.ground, [""] if is_gone else ["", "accepted"])
        story.deploy_again(run.ground)


def _sessions(run: Held, question: LiteralString) -> set[int]:
    return {row[0] for row in run.ground.ask(question)}


def _has_moved(run: Held, before: set[int]) -> bool:
    """Whether it has ended what it was at, or has begun with its way back."""
    return not is_alive(run.pid) or _sessions(run, OURS) != before
