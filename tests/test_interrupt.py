"""Ctrl-C during a deployment: the database is as before, and nobody is left in it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import takewhile
from pathlib import Path

import psycopg
import pytest

from flows.demo.world import World
from tests.fix_migrations import Dump, is_in_place, state_in_ledger
from tests.fix_prefect import Fly
from tests.fix_sabotage import Sabotage

PGFLIGHT = (sys.executable, "-m", "flows.cli")
Start = Callable[..., AbstractContextManager["subprocess.Popen[str]"]]
BACKENDS = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name LIKE 'pgflight%'"
)


@pytest.fixture
def slow(folder: Path) -> None:
    """Migration 008 with a statement that takes long."""
    up = folder / "008_active_org" / "up.sql"
    up.write_text(f"{up.read_text()}\nSELECT pg_sleep(60);\n")


@pytest.fixture
def start(prefect: None, world: World, application: str, folder: Path) -> Start:
    """Starts pgflight on 008; nothing of it is left when its block is."""
    from prefect.settings import PREFECT_API_URL

    @contextmanager
    def run(*arguments: str) -> Iterator["subprocess.Popen[str]"]:
        with subprocess.Popen(
            [*PGFLIGHT, *arguments, "--budget-ms", "100000"],
            env={
                **os.environ,
                **world.environment(application),
                "PREFECT_API_URL": str(PREFECT_API_URL.value()),
                "PGFLIGHT_MIGRATIONS": str(folder),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            yield process
            process.kill()

    return run


@pytest.fixture
def deployment(start: Start) -> Iterator["subprocess.Popen[str]"]:
    with start("deploy", "008") as process:
        yield process


@pytest.fixture
def slow_down(folder: Path, owner: psycopg.Connection) -> str:
    """A down.sql that takes long the first time; returns the query that does."""
    down = folder / "008_active_org" / "down.sql"
    # A sequence goes on counting when its transaction is rolled back.
    nap = "SELECT CASE nextval('platform.naps') WHEN 1 THEN pg_sleep(60) END"
    down.write_text(f"{down.read_text()}\n{nap};\n")
    owner.execute("CREATE SEQUENCE platform.naps")
    return nap


def wait_until(owner: psycopg.Connection, query: str) -> None:
    deadline = time.monotonic() + 60
    while not (owner.execute(query).fetchone() or [0])[0]:
        assert time.monotonic() < deadline, query
        time.sleep(0.05)


def ends_of(owner: psycopg.Connection) -> list[str]:
    """What each flight has told of its end."""
    found = owner.execute(
        "SELECT outcome FROM pgflight.event WHERE kind = 'ended' ORDER BY id"
    ).fetchall()
    return [outcome for (outcome,) in found]


def assert_report_is_last(output: str) -> None:
    """Its page, as after any other end."""
    page = output.partition("deploy 008: ROLLED_BACK")[2]
    assert "ROLLED_BACK  deploy 008" in page, output
    assert "left to do:" in page


def stop_while_waiting(folder: Path) -> tuple[list[str], str, int]:
    """What a rollback by hand says before it waits, what after Ctrl-C, and its code."""
    with subprocess.Popen(
        [*PGFLIGHT, "rollback", "008", "--folder", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout
        shown = list(takewhile(lambda line: "in 5 s" not in line, process.stdout))
        process.send_signal(signal.SIGINT)
        after, _ = process.communicate(timeout=60)
    return shown, after, process.returncode


def test_ctrl_c_stops_a_rollback_that_waits(
    deploy: Fly, folder: Path, owner: psycopg.Connection, dump_schema: Dump
) -> None:
    deploy()
    before = dump_schema()
    shown, after, code = stop_while_waiting(folder)
    assert any("450 rows of platform.users" in line for line in shown)
    assert after.endswith("Stopped.\n")
    assert code == 130
    assert state_in_ledger(owner) == "accepted"
    assert dump_schema() == before


def test_rollback_goes_on_where_nothing_can_be_counted(
    deploy: Fly, folder: Path, owner: psycopg.Connection
) -> None:
    deploy()
    with owner.transaction():
        owner.execute("LOCK TABLE platform.users IN ACCESS EXCLUSIVE MODE")
        shown, _, code = stop_while_waiting(folder)
    assert any("not counted" in line and "lock timeout" in line for line in shown)
    assert code == 130


def test_ctrl_c_in_a_statement_leaves_nothing(
    ledger: None,
    slow: None,
    dump_schema: Dump,
    owner: psycopg.Connection,
    deployment: "subprocess.Popen[str]",
) -> None:
    before = dump_schema()
    wait_until(owner, f"{BACKENDS} AND query = 'SELECT pg_sleep(60)'")
    deployment.send_signal(signal.SIGINT)
    output, _ = deployment.communicate(timeout=60)
    assert deployment.returncode == 20, output
    assert "Traceback" not in output
    assert_report_is_last(output)
    wait_until(owner, f"SELECT NOT EXISTS ({BACKENDS} HAVING count(*) > 0)")
    assert dump_schema() == before


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_stopped_after_the_commit_rolls_back_and_reports(
    folder: Path,
    ledger: None,
    dump_schema: Dump,
    owner: psycopg.Connection,
    deployment: "subprocess.Popen[str]",
    sent: signal.Signals,
) -> None:
    before = dump_schema()
    wait_until(
        owner, "SELECT EXISTS (SELECT FROM pgflight.run WHERE state = 'applied')"
    )
    deployment.send_signal(sent)
    output, _ = deployment.communicate(timeout=60)
    assert deployment.returncode == 20, output
    assert "Rolling back" in output
    assert_report_is_last(output)
    assert dump_schema() == before


def test_output_that_nobody_reads_any_more_changes_nothing(
    owner: psycopg.Connection, deployment: "subprocess.Popen[str]"
) -> None:
    assert deployment.stdout
    for line in deployment.stdout:
        if "Migration executed" in line:
            break
    deployment.stdout.close()
    assert deployment.wait(60) == 0
    assert state_in_ledger(owner) == "accepted"


def test_ctrl_c_in_the_rollback_does_not_leave_what_is_bad(
    slow_down: str,
    sabotage: Sabotage,
    dump_schema: Dump,
    owner: psycopg.Connection,
    deployment: "subprocess.Popen[str]",
) -> None:
    sabotage("DROP INDEX platform.idx_users_active_org")
    before = dump_schema()
    wait_until(owner, f"{BACKENDS} AND query = $${slow_down}$$")
    deployment.send_signal(signal.SIGINT)
    output, _ = deployment.communicate(timeout=60)
    assert deployment.returncode == 20, output
    assert_report_is_last(output)
    assert dump_schema() == before
    # The one that was cut short tells nothing of its own: the next one goes on at once.
    assert ends_of(owner) == ["ROLLED_BACK", "ROLLED_BACK"]


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_stopped_rollback_by_hand_changes_nothing_and_says_so(
    deploy: Fly,
    start: Start,
    slow_down: str,
    dump_schema: Dump,
    owner: psycopg.Connection,
    sent: signal.Signals,
) -> None:
    deploy()
    before = dump_schema()
    with start("rollback", "008", "--yes") as process:
        wait_until(owner, f"{BACKENDS} AND query = $${slow_down}$$")
        process.send_signal(sent)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "BLOCKED  rollback 008" in output
    assert "008 is in place as before" in output
    assert "Traceback" not in output
    assert ends_of(owner) == ["DEPLOYED", "BLOCKED"]
    condemned = owner.execute("SELECT state, condemned FROM pgflight.run").fetchall()
    assert condemned == [("accepted", None)]
    assert dump_schema() == before


def test_ctrl_c_in_preflight_says_that_nothing_was_begun(
    ledger: None, owner: psycopg.Connection, admin: psycopg.Connection, start: Start
) -> None:
    with admin.transaction():
        admin.execute("LOCK TABLE pgflight.run IN ACCESS EXCLUSIVE MODE")
        with start("deploy", "008") as process:
            wait_until(owner, f"{BACKENDS} AND wait_event_type = 'Lock'")
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "BLOCKED  deploy 008" in output
    assert state_in_ledger(owner) is None


def test_ctrl_c_after_the_acceptance_leaves_it(
    ledger: None,
    dump_schema: Dump,
    owner: psycopg.Connection,
    deployment: "subprocess.Popen[str]",
) -> None:
    wait_until(
        owner, "SELECT EXISTS (SELECT FROM pgflight.run WHERE state = 'accepted')"
    )
    deployment.send_signal(signal.SIGINT)
    output, _ = deployment.communicate(timeout=60)
    assert deployment.returncode == 0, output
    assert "DEPLOYED  deploy 008" in output
    assert state_in_ledger(owner) == "accepted"
    assert is_in_place(dump_schema())
