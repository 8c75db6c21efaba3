"""The application at work: a process that sends one statement again and again.

``python -m tests.benchmarks.traffic write|read USERS`` sends it to BENCHMARK_URL at a
steady rate until its standard input is closed, then says what it saw, as JSON.
"""

import os
import random
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import md5
from itertools import count
from pathlib import Path
from typing import LiteralString
from uuid import UUID

import psycopg

from tests.benchmarks.figures import Stream

CHECKOUT = Path(__file__).resolve().parents[2]
URL_VARIABLE = "BENCHMARK_URL"
STATEMENTS: dict[str, tuple[LiteralString, int]] = {
    "write": ("UPDATE platform.users SET last_login_at = now() WHERE id = %s", 200),
    "read": ("SELECT id, email, display_name FROM platform.users WHERE id = %s", 500),
}
"""What is sent, and how often in a second."""


@contextmanager
def traffic(kind: str, url: str, users: int) -> Iterator[Callable[[], Stream]]:
    """The process at work, for the time of a ``with`` block at most.

    Args:
        kind: write or read.
        users: how many there are.

    Yields:
        What ends it after the statement it is at, and returns what it saw.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, kind, str(users)],
        cwd=CHECKOUT,
        env={**os.environ, URL_VARIABLE: url},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # Ctrl-C goes to a terminal's whole group; this ends when its input does.
        start_new_session=True,
    )
    with process:
        try:
            assert process.stdout
            # It says when it is connected.
            process.stdout.readline()
            yield lambda: Stream.model_validate_json(process.communicate()[0])
        finally:
            process.kill()


def work(conn: psycopg.Connection, kind: str, users: int) -> Stream:
    """Send statements until standard input is closed or the connection is lost."""
    statement, rate = STATEMENTS[kind]
    latencies, errors = [0.0], []
    started = time.monotonic()
    for number in count():
        due = started + number / rate
        if _is_over(due) or conn.closed:
            break
        try:
            if conn.execute(statement, [_random_user(users)]).rowcount != 1:
                errors.append("no such user")
        except psycopg.Error as error:
            errors.append(f"{error.sqlstate}: {error}")
        latencies.append(time.monotonic() - due)
    return Stream(
        statements=len(latencies) - 1,
        longest_ms=max(latencies) * 1_000,
        errors=len(errors),
        first_error=errors[0] if errors else "",
    )


def main() -> None:
    kind, users = sys.argv[1], int(sys.argv[2])
    with psycopg.connect(os.environ[URL_VARIABLE], autocommit=True) as conn:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        stream = work(conn, kind, users)
    sys.stdout.write(stream.model_dump_json())


def _is_over(due: float) -> bool:
    """Wait until a statement is due, or until standard input is closed."""
    ended, _, _ = select.select([sys.stdin], [], [], max(0.0, due - time.monotonic()))
    return bool(ended)


def _random_user(users: int) -> UUID:
    """One of the keys that sql/demo/population.sql gives."""
    number = random.randint(1, users)
    return UUID(md5(b"user %d" % number, usedforsecurity=False).hexdigest())


if __name__ == "__main__":
    main()
