"""Every way of running an up.sql comes to the same schema and the same rows.

The corpus is a folder of small up.sql files. Each is run plainly in one transaction
and compared with the same file run as online steps, as online steps that are killed
again and again, and reordered.
"""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from flows.database.connection import Conn
from flows.database.fingerprint import differences
from flows.demo.server import PostgresServer
from flows.migration.online.reorder import reordered
from flows.migration.online.rewrite import plan_online
from flows.migration.online.steps import OnlineStep
from flows.migration.script import Script, read_script
from tests.migrations.online_runner import Held, Runner, held, plainly

CORPUS = Path(__file__).parent / "online_corpus"
FLOWN = sorted((CORPUS / "flown").glob("*.sql"))

pytestmark = pytest.mark.parametrize("path", FLOWN, ids=lambda path: path.stem)


@pytest.fixture(scope="module")
def database(server: PostgresServer, template: str) -> Iterator[Conn]:
    """An empty database beside the template of the world, which has the roles."""
    name = sql.Identifier("online_corpus")
    with psycopg.connect(server.url(), autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(name))
        url = server.url("online_corpus")
        with psycopg.connect(url, autocommit=True, row_factory=dict_row) as conn:
            yield conn
        admin.execute(sql.SQL("DROP DATABASE {}").format(name))


@pytest.fixture
def ground(database: Conn) -> Iterator[Conn]:
    """The schema that the corpus is written for: sooner made than a database."""
    database.execute((CORPUS / "ground.sql").read_bytes())
    yield database
    database.execute("DROP SCHEMA IF EXISTS shop, lab CASCADE")


@pytest.fixture
def up(path: Path) -> Script:
    return read_script(path)


@pytest.fixture
def steps(up: Script) -> tuple[OnlineStep, ...]:
    return plan_online(up)


@pytest.fixture
def after(ground: Conn, up: Script) -> Held:
    """What the file does when it is run plainly."""
    return plainly(ground, [statement.text for statement in up.statements])


def assert_same(found: Held, expected: Held) -> None:
    assert differences(expected.schema, found.schema) == []
    assert found.rows == expected.rows


def test_steps_come_to_the_same(ground: Conn, steps, after: Held) -> None:
    Runner(ground).run(steps)
    assert_same(held(ground), after)


def test_steps_killed_and_run_again_come_to_the_same(
    ground: Conn, steps, after: Held
) -> None:
    Runner(ground, is_unlucky=True).run(steps)
    assert_same(held(ground), after)


def test_new_order_comes_to_the_same(ground: Conn, up: Script, after: Held) -> None:
    texts = [statement.text for statement in reordered(up.statements)]
    assert_same(plainly(ground, texts), after)


def test_steps_taken_back_leave_what_was_before(ground: Conn, steps) -> None:
    before = held(ground)
    runner = Runner(ground)
    runner.run_what_can_be_undone(steps)
    runner.take_back()
    assert_same(held(ground), before)
