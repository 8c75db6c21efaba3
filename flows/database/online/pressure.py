"""Giving way: a backfill pauses while it would hurt those who follow the database."""

import time

import psycopg

from flows.database.connection import Conn, one
from flows.database.online.progress import Progress

LOOK_EVERY_S = 1.0
LAG_S = 1.5
"""Replay lag of the slowest standby (gh-ost's default for the same purpose)."""
UNARCHIVED = 42
"""WAL segments waiting for their archive (GitLab's limit for background migrations)."""
LONGEST_PAUSE_S = 600.0


def give_way(conn: Conn, progress: Progress) -> None:
    """Wait while a standby lags or the archive is behind; looks once a second."""
    waited = 0.0
    while progress.is_time_to_look(LOOK_EVERY_S):
        reason = _reason(conn)
        if reason is None or waited > LONGEST_PAUSE_S:
            return
        progress.pause(reason)
        time.sleep(LOOK_EVERY_S)
        waited += LOOK_EVERY_S


def _reason(conn: Conn) -> str | None:
    try:
        found = one(conn, "select_pressure")
    except psycopg.errors.InsufficientPrivilege:
        conn.rollback()
        return None
    conn.commit()
    if found["lag_s"] > LAG_S:
        return f"a standby is {found['lag_s']:.1f} s behind"
    if found["unarchived"] > UNARCHIVED:
        return f"{found['unarchived']} WAL segments wait for their archive"
    return None
