"""A server that can be crashed and started again, with its data where they were."""

import os
import signal
from pathlib import Path

from flows.demo.server import PostgresServer


class Cluster(PostgresServer):
    """A private server; what COMMIT promises is as it is in production.

    Attributes:
        folder: where its data and its log are.
    """

    folder: Path

    def crash(self) -> None:
        """What a power cut leaves: no checkpoint, no goodbye.

        It is `pg_ctl stop -m immediate` without the time that pg_ctl takes to start.
        """
        assert self._process
        os.kill(self._process.pid, signal.SIGQUIT)
        self._process.wait()

    def start_again(self) -> None:
        """Recover, on the same port."""
        self._launch(self.folder)

    def give(self, folder: Path) -> None:
        """Make a folder the server's own."""
        self._account.give(folder)

    def _start(self, folder: Path) -> None:
        self.folder = folder
        super()._start(folder)
