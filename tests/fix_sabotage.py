"""Sabotage at COMMIT: what goes wrong after the last check inside the transaction."""

import os
import signal
from collections.abc import Callable, Iterator
from threading import Thread
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest
from psycopg import sql

from flows.demo.world import World
from flows.resources import SQL

Sabotage = Callable[[str], None]

_TRIGGER = """
CREATE FUNCTION pgflight.sabotage() RETURNS trigger LANGUAGE plpgsql AS {body};
CREATE CONSTRAINT TRIGGER sabotage AFTER INSERT ON pgflight.run
  DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION pgflight.sabotage();
"""


@pytest.fixture
def ledger(owner: psycopg.Connection) -> None:
    """The ledger, made before the first deployment."""
    owner.execute((SQL / "ledger" / "create.sql").read_bytes())


@pytest.fixture
def sabotage(owner: psycopg.Connection, ledger: None) -> Sabotage:
    """Runs SQL once the ledger has the row of a deployment: after all its checks."""

    def prepare(statement: str) -> None:
        body = sql.Literal(f"BEGIN {statement}; RETURN NULL; END")
        owner.execute(sql.SQL(_TRIGGER).format(body=body))

    return prepare


@pytest.fixture
def stop_application_on(
    world: World, application: str
) -> Iterator[Callable[[str], None]]:
    """Stops the application (SIGSTOP) as soon as a NOTIFY is committed."""
    pid = listener(urlsplit(application).port)
    threads: list[Thread] = []

    def prepare(channel: str) -> None:
        conn = psycopg.connect(world.owner_url, autocommit=True)
        conn.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
        threads.append(Thread(target=_stop_on_notify, args=(conn, pid)))
        threads[-1].start()

    yield prepare
    for thread in threads:
        thread.join()
    os.kill(pid, signal.SIGCONT)


def _stop_on_notify(conn: psycopg.Connection, pid: int) -> None:
    with conn:
        if any(True for _ in conn.notifies(timeout=30, stop_after=1)):
            os.kill(pid, signal.SIGSTOP)


def listener(port: int | None) -> int:
    """The process that listens on a port."""
    for found in psutil.net_connections("tcp"):
        if found.laddr and found.laddr.port == port and found.status == "LISTEN":
            assert found.pid
            return int(found.pid)
    raise LookupError(f"nobody listens on {port}")
