"""What a rollback and a restore by hand say before they begin."""

import os
import time
from pathlib import Path

from rich.console import Console

from flows.database.saved import still_saved
from flows.database.saving import preview
from flows.migration.errors import QueryFailed
from flows.migration.folder import load_migration
from flows.migration.losses import changed_tables
from flows.targets import find_target
from flows.terminal import say

SECONDS_TO_STOP = 5


def announce_rollback(
    console: Console, migration: str, folder: str, target_name: str | None
) -> None:
    """What will be saved, how much of it, and which statements take the rest back.

    Raises:
        BadInput: there is no such migration, or no such target.
        ConnectionFailed: the target cannot be asked.
    """
    found = load_migration(Path(folder), migration, is_going_back=True)
    say(console, f"Rolling back {found.version} {found.name}:")
    if found.down:
        target = find_target(target_name, os.environ)
        try:
            losses = preview(target, found.down)
        except QueryFailed as error:
            # A table too large to count, or locked: no reason to leave what is bad.
            losses = []
            say(console, f"   not counted: what will be saved ({error.message})")
        for saved in losses:
            column = f".{saved.column}" if saved.column else ""
            say(
                console,
                f"   {saved.rows:,} rows of {saved.table}{column} will be saved in the"
                " ledger, then deleted",
            )
        for table in changed_tables(found.down.nodes):
            text = f"   what it deletes or overwrites in {table} will be saved, too"
            say(console, text)
        for statement in found.down.statements:
            say(console, f"   {statement.summary}")


def announce_restore(
    console: Console, migration: str, folder: str, target_name: str | None
) -> None:
    """What rollbacks have saved and nothing has put back.

    Raises: as `announce_rollback`.
    """
    found = load_migration(Path(folder), migration)
    saved = still_saved(find_target(target_name, os.environ), found.version)
    say(console, f"Saved by rollbacks of {found.version} {found.name}:")
    for item in saved:
        column = f".{item.column}" if item.column else ""
        say(console, f"   {item.rows:,} rows of {item.table}{column}")
    if not saved:
        say(console, "   nothing that is not put back already")


def wait(console: Console) -> None:
    """Seconds in which Ctrl-C stops a rollback before it begins."""
    for left in range(SECONDS_TO_STOP, 0, -1):
        say(console, f"   in {left} s; Ctrl-C stops it")
        time.sleep(1)
