"""Maintenance of other tables and an online deployment do not wait for each other."""

import threading

import psycopg
import pytest

from flows.demo.server import PostgresServer
from flows.demo.world import World
from tests.database.conftest import quiet
from tests.fix_stretched import Gate, cleared, deploying

# Two, because ANALYZE and an index build of one table can be in a deadlock.
LARGE = """
CREATE TABLE public.other AS SELECT n, md5(n::text) AS hash
FROM generate_series(1, 20000) AS n;
CREATE TABLE public.indexed AS TABLE public.other
"""
# Not of the same table: ANALYZE and a build of one can be in a deadlock by themselves.
LARGE_TOO = "CREATE TABLE public.built AS SELECT * FROM public.other"
BUILD = "CREATE INDEX CONCURRENTLY built_hash ON public.built (hash)"
DROP = "DROP INDEX IF EXISTS public.built_hash"
MAINTENANCE = [
    "VACUUM public.other",
    "VACUUM FREEZE platform.org_members",
    "ANALYZE public.other",
    "ANALYZE platform.organizations",
]


@pytest.fixture
def admin(server: PostgresServer, stretched: World):
    url = server.url(stretched.database)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(LARGE)
        connection.execute(LARGE_TOO)
        # Nothing here takes so long but a wait for somebody else.
        connection.execute("SET statement_timeout = '20s'")
        yield connection


@pytest.mark.parametrize("statement", MAINTENANCE)
def test_maintenance_is_done_while_a_batch_is_held(
    stretched: World, gate: Gate, admin: psycopg.Connection, statement: str
):
    """It would not be, before its time is up, if it waited for the batch."""
    gate.close()
    with deploying(cleared(stretched), quiet) as deploy:
        try:
            gate.wait_for(deploy)
            admin.execute(statement.encode())
        finally:
            gate.open()
        assert deploy.result().rows > 0


def test_index_build_waits_for_one_batch_only(
    stretched: World, gate: Gate, admin: psycopg.Connection
):
    """Every build waits for older snapshots: not for the deployment as a whole."""
    gate.close()
    with deploying(cleared(stretched), quiet) as deploy:
        gate.wait_for(deploy)
        opening = threading.Timer(0.2, gate.open)
        opening.start()
        admin.execute(BUILD)
        opening.join()
        deploy.result()
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'built_hash'::regclass"
    assert admin.execute(valid).fetchone() == (True,)


def keep_on(
    url: str, statements: list[str], over: threading.Event, seen: list[str]
) -> None:
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("SET statement_timeout = '20s'")
        while not over.is_set():
            for statement in statements:
                conn.execute(statement.encode())
                seen.append(statement)


def test_deployment_beside_endless_maintenance(
    stretched: World, server: PostgresServer, admin: psycopg.Connection
):
    """Vacuum, statistics and index builds of other tables, again and again."""
    over, seen = threading.Event(), list[str]()
    url = server.url(stretched.database)
    threads = [
        threading.Thread(target=keep_on, args=(url, statements, over, seen))
        for statements in ([BUILD, DROP], MAINTENANCE)
    ]
    for thread in threads:
        thread.start()
    try:
        with deploying(cleared(stretched), quiet) as deploy:
            applied = deploy.result()
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert applied.rows > 0
    assert {BUILD, *MAINTENANCE} <= set(seen)
