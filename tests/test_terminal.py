"""What a person sees: plans as tables, progress as a bar, lines where there is none."""

import io
import logging

import pytest
from rich.console import Console

from flows.migration.folder import load_migration
from flows.migration.plan import Plan, plan_of
from flows.migration.progress import Progress
from flows.migration.strategy import Wish, choose
from flows.resources import SQL
from flows.terminal import RunLog, show_plan

HALF = Progress("UPDATE t", 0.5, 10, 1.0)
WHOLE = Progress("UPDATE t", 1.0, 20, 2.0)


def seen(is_terminal: bool, *said: str) -> str:
    """What is written for these lines of a run's log."""
    out = io.StringIO()
    log = RunLog(Console(file=out, force_terminal=is_terminal, width=120))
    for line in said:
        log.handle(
            logging.LogRecord("x", logging.INFO, "x.py", 1, "   %s", (line,), None)
        )
    return out.getvalue()


def planned(wish: Wish) -> Plan:
    migration = load_migration(SQL / "migrations", "008")
    return plan_of(migration, choose(wish, migration.up, 2_000, None), 2_000, None)


def shown(wish: Wish) -> str:
    out = io.StringIO()
    show_plan(Console(file=out, width=120), planned(wish))
    return out.getvalue()


def test_progress_is_a_line_where_there_is_no_terminal() -> None:
    assert seen(False, HALF) == f"   {HALF}\n"


def test_progress_is_a_bar_on_a_terminal() -> None:
    text = seen(True, HALF, WHOLE)
    assert "━" in text
    assert f"   {WHOLE}\n" in text


def test_bar_is_gone_when_something_else_is_said() -> None:
    """And the cursor that it hides is back, also when a run fails in the middle."""
    text = seen(True, HALF, "it failed")
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1
    assert text.endswith("   it failed\n")


@pytest.mark.parametrize("wish", ["transactional", "online"])
def test_plan_says_who_waits_and_why(wish: Wish) -> None:
    text = shown(wish)
    assert "ACCESS EXCLUSIVE on platform.users: reads and" in text
    assert f"Strategy: {wish}" in text
    assert "nobody" in text


def test_online_plan_shows_what_will_run() -> None:
    text = shown("online")
    assert "CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_users_active_org" in text
    assert "NOT VALID" in text
