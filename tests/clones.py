"""Copies of a database, and logins to them, as quick as a server can be told to."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from flows.demo.server import PostgresServer

FIRST_WITH_ITERATIONS = 160_000

END_SESSIONS = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s
"""


@contextmanager
def clone(server: PostgresServer, template: str, database: str) -> Iterator[None]:
    """A copy of a database for the length of a block."""
    with psycopg.connect(server.url(), autocommit=True) as admin:
        names = sql.Identifier(database), sql.Identifier(template)
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
    yield
    with psycopg.connect(server.url(), autocommit=True) as admin:
        # DROP DATABASE looks every 100 ms whether a session that it ended is gone.
        while admin.execute(END_SESSIONS, [database]).fetchone() != (0,):
            time.sleep(0.002)
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(names[0]))


def set_passwords(server: PostgresServer, passwords: dict[str, str]) -> None:
    """Quick to check, where the server can be told so: a test connects many times."""
    with psycopg.connect(server.url(), autocommit=True) as admin:
        if server.version >= FIRST_WITH_ITERATIONS:
            admin.execute("SET scram_iterations = 1")
        for role, password in passwords.items():
            admin.execute(
                sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                    sql.Identifier(role), sql.Literal(password)
                )
            )
