"""The outlook: what this server has shown before counts more than what is usual."""

import psycopg
import pytest
from pydantic import SecretStr

from flows.database.connection import reading
from flows.database.outlook import read_outlook
from flows.demo.world import World
from flows.migration.estimate import Rates
from flows.migration.folder import load_migration
from flows.migration.target import Target
from flows.resources import SQL

RUN = """
INSERT INTO pgflight.run (run_id, version, name, state, strategy, checksum,
                          rows_filled, locked_ms, fingerprint_before)
VALUES (gen_random_uuid(), %s, 'x', 'rolled_back', %s, '', %s, 1000, '{}')
RETURNING run_id
"""
STEP = """
INSERT INTO pgflight.step (run_id, number, summary, state, undo, rows,
                           started_at, ended_at)
VALUES (%s, 1, 'x', 'done', '{}', %s, now(), now() + interval '2 s')
"""


def rates(world: World) -> Rates:
    with reading(Target(SecretStr(world.owner_url)), "test") as conn:
        return read_outlook(conn, load_migration(SQL / "migrations", "008").up).rates


def test_rows_are_those_of_the_tables_that_are_named(world: World):
    with reading(Target(SecretStr(world.owner_url)), "test") as conn:
        found = read_outlook(conn, load_migration(SQL / "migrations", "008").up)
    assert found.rows["platform.users"] == 500


def test_rates_are_the_usual_ones_without_a_ledger(world: World):
    assert rates(world) == Rates()


@pytest.mark.usefixtures("ledger")
def test_rate_of_one_transaction_is_that_of_big_runs(
    world: World, owner: psycopg.Connection
):
    owner.execute(RUN, ["001", "transactional", 10])
    assert rates(world).fill == Rates().fill
    owner.execute(RUN, ["002", "transactional", 5_000])
    assert rates(world).fill == 5_000


@pytest.mark.usefixtures("ledger")
def test_rate_online_is_that_of_its_steps(world: World, owner: psycopg.Connection):
    row = owner.execute(RUN, ["001", "online", 9_000]).fetchone()
    assert row is not None
    owner.execute(STEP, [row[0], 9_000])
    assert rates(world) == Rates(fill_online=4_500)


def test_ledger_that_may_not_be_read_says_nothing(
    world: World, admin: psycopg.Connection, ledger: None
):
    admin.execute("ALTER SCHEMA pgflight OWNER TO postgres")
    assert rates(world) == Rates()
