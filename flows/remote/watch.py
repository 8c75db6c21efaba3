"""Following a run to its end, through whatever becomes of the API meanwhile."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun, Log, State, StateType
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

from flows.remote.log import WARNING, GrowingLog
from flows.remote.start import Started

POLL_S = 1.0
PICKUP_S = 30.0
"""A worker asks for work every 10 s unless it is told otherwise."""
LAST_LINES_S = 6.0
"""A run's last lines may come after its final state: they are sent every 2 s."""

Say = Callable[[str, int], None]
"""Shows a line; takes its level, as logging has them."""
INFO = 20


@dataclass
class Watch:
    """One run being followed.

    Attributes:
        until: when to stop following, by the monotonic clock; None for never.
        pickup_s: how long a run may wait for a worker before that is said.
    """

    client: SyncPrefectClient
    started: Started
    say: Say
    until: float | None = None
    pickup_s: float = PICKUP_S
    _log: GrowingLog = field(init=False)
    _state_id: UUID | None = None
    _is_lost: bool = False
    _is_overdue: bool = False
    _began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self._log = GrowingLog(self.client, self.started.run.id)

    def follow(self) -> FlowRun | None:
        """Show lines and changes of state; returns the run that is over.

        Returns:
            None where the time is up before that.

        Raises:
            ObjectNotFound: the run was deleted.
        """
        while True:
            run = self._look()
            if run and run.state and run.state.is_final():
                self._show_last_lines(run.state)
                return run
            if self.until is not None and time.monotonic() >= self.until:
                return None
            time.sleep(POLL_S)

    @property
    def is_lost(self) -> bool:
        """Whether the API did not answer the last time."""
        return self._is_lost

    def _look(self) -> FlowRun | None:
        try:
            run = self.client.read_flow_run(self.started.run.id)
            self._note_found()
            self._show_lines()
            self._note_state(run)
        except ObjectNotFound:
            raise
        except (httpx.TransportError, PrefectHTTPStatusError) as error:
            self._note_lost(error)
            return None
        return run

    def _show_lines(self) -> list[Log]:
        lines = list(self._log.fresh())
        for line in lines:
            self.say(line.message, line.level)
        return lines

    def _show_last_lines(self, state: State) -> None:
        """Its summary is the last line of a run that came to its own end."""
        summary, _, _ = (state.message or "").partition("\n")
        deadline = time.monotonic() + LAST_LINES_S
        while time.monotonic() < deadline:
            try:
                lines = self._show_lines()
            except (httpx.TransportError, PrefectHTTPStatusError):
                return
            if any(line.message == summary for line in lines):
                return
            time.sleep(POLL_S / 2)

    def _note_found(self) -> None:
        if self._is_lost:
            self._is_lost = False
            self.say("The Prefect API answers again", INFO)

    def _note_lost(self, error: Exception) -> None:
        if not self._is_lost:
            self._is_lost = True
            self.say(
                f"The Prefect API does not answer ({type(error).__name__}); the run"
                " does not depend on it. Asking again",
                WARNING,
            )

    def _note_state(self, run: FlowRun) -> None:
        state = run.state
        if state is None:
            return
        is_waiting = state.type in (StateType.SCHEDULED, StateType.PENDING)
        waited_s = time.monotonic() - self._began
        if is_waiting and waited_s > self.pickup_s and not self._is_overdue:
            self._is_overdue = True
            self.say(self._why_nobody(state), WARNING)
        if state.id == self._state_id:
            return
        self._state_id = state.id
        if state.is_paused():
            self.say(_waits_for_approval(state), WARNING)
        elif not state.is_final():
            self.say(f"Run {run.name} is {state.name}", INFO)

    def _why_nobody(self, state: State) -> str:
        pool = self.started.pool
        said = f"No worker has taken the run for {self.pickup_s:.0f} s ({state.name})"
        start = f"start one: prefect worker start --pool {pool}"
        try:
            found = self.client.read_work_pool(pool)
        except ObjectNotFound:
            return f"{said}: its work pool {pool!r} is gone; deploy again, then {start}"
        if found.is_paused:
            return (
                f"{said}: its work pool {pool!r} is paused:"
                f" prefect work-pool resume {pool}"
            )
        limit = found.concurrency_limit
        full = "" if limit is None else f", at most {limit} runs at a time"
        status = found.status.value if found.status else "of unknown status"
        return f"{said}: work pool {pool!r} is {status}{full}; {start}"


def _waits_for_approval(state: State) -> str:
    until = state.state_details.pause_timeout
    when = f" until {until:%Y-%m-%d %H:%M:%S %Z}" if until else ""
    return f"The run is {state.name} and waits for a person{when}: Resume it in the UI"
