"""A real standby of a server, made by pg_basebackup."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from flows.demo.account import server_account
from flows.demo.loopback import free_port
from flows.demo.server import PostgresServer


@contextmanager
def standby_of(primary: PostgresServer) -> Iterator[int]:
    """Yields its port; it may not take connections yet."""
    account, port = server_account(), free_port()
    with TemporaryDirectory(prefix="pgflight-standby-") as name:
        account.give(Path(name))
        data = f"{name}/data"
        copy = ("-D", data, "-R", "-d", primary.url(), "-c", "fast", "--no-sync")
        subprocess.run(
            [primary.bin_dir / "pg_basebackup", *copy],
            check=True,
            capture_output=True,
            **account.process_arguments,
        )
        settings = {**primary.settings, "port": str(port)}
        options = [f"--{name}={value}" for name, value in settings.items()]
        process = subprocess.Popen(
            [primary.bin_dir / "postgres", "-D", data, *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **account.process_arguments,
        )
        try:
            yield port
        finally:
            process.terminate()
            process.wait()


def can_connect(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True
