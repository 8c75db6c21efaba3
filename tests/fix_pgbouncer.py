"""A real PgBouncer before the session's server, in each of its three modes."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from flows.demo.account import Account, server_account
from flows.demo.loopback import HOST, free_port
from flows.demo.server import PostgresServer
from flows.demo.world import OWNER, World

MODES = ("transaction", "statement", "session")
START_TIMEOUT_S = 60.0

# Debian installs it where only an administrator looks.
_PROGRAM = shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin") or (
    shutil.which("pgbouncer")
)


@pytest.fixture
def pooled_url(server: PostgresServer, world: World, pool_mode: str) -> Iterator[str]:
    """The world's URL for the deploying role, by way of PgBouncer."""
    if _PROGRAM is None:
        pytest.skip("there is no pgbouncer: apt-get install pgbouncer")
    with _pgbouncer(_PROGRAM, server, pool_mode) as port:
        direct, pooled = f":{server.port}/", f":{port}/"
        url = world.owner_url.replace(direct, pooled)
        assert url != world.owner_url
        yield url


@contextmanager
def _pgbouncer(program: str, server: PostgresServer, mode: str) -> Iterator[int]:
    account, port = server_account(), free_port()
    with tempfile.TemporaryDirectory(prefix="pgflight-pgbouncer-") as name:
        folder = Path(name)
        _configure(folder, server, mode, port)
        account.give(folder)
        process = _start(program, folder, account)
        try:
            _wait_for(process, port, folder)
            yield port
        finally:
            process.terminate()
            process.wait()


def _configure(folder: Path, server: PostgresServer, mode: str, port: int) -> None:
    users = folder / "users.txt"
    users.write_text(f'"{OWNER}" "{server.passwords[OWNER]}"\n')
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n* = host={HOST} port={server.port}\n"
        f"[pgbouncer]\nlisten_addr = {HOST}\nlisten_port = {port}\n"
        f"unix_socket_dir =\nauth_type = scram-sha-256\nauth_file = {users}\n"
        f"pool_mode = {mode}\nlogfile = {folder / 'log'}\n"
    )


def _start(program: str, folder: Path, account: Account) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [program, "-q", str(folder / "pgbouncer.ini")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **account.process_arguments,
    )


def _wait_for(process: "subprocess.Popen[bytes]", port: int, folder: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            psycopg.connect(f"host={HOST} port={port} user=nobody dbname=x").close()
        except psycopg.OperationalError as error:
            if "refused" not in str(error):
                return
        time.sleep(0.02)
    raise AssertionError(f"no PgBouncer: {(folder / 'log').read_text()}")
