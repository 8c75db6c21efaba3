"""A call of Prefect's API that a run waits for, and never waits long for.

Such a call blocks for over a minute when the API is away (measured: 62 to 77 s).
"""

from collections.abc import Callable
from contextvars import copy_context
from threading import Thread


class Call:
    """A call of Prefect's API in a thread of its own, for the run that makes it."""

    def __init__(self, publish: Callable[[], object]) -> None:
        self.is_done = False
        self.found: object = None
        self._publish = publish
        # A daemon: a call that hangs must not keep the process from ending.
        self._thread = Thread(
            target=copy_context().run,
            args=(self._run,),
            name="pgflight-artifact",
            daemon=True,
        )
        self._thread.start()

    def join(self, within_s: float) -> None:
        self._thread.join(within_s)

    def _run(self) -> None:
        try:
            self.found = self._publish()
            self.is_done = True
        except Exception:
            # Prefect's; whoever joins sees that it is not done.
            return
