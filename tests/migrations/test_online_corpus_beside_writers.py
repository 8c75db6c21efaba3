"""Every file of the corpus, flown by both strategies beside a writer at work.

The writer rewrites rows as they are: each write moves a row, takes its lock and
fires what there is, and none of them changes what the file has to come to.
"""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from flows.database.chosen import apply_as_chosen
from flows.database.connection import Conn, connect
from flows.database.preflight.clearance import clear
from flows.database.preflight.flight import flight_of
from flows.demo.server import PostgresServer
from flows.demo.world import World
from flows.migration.report import Report
from flows.migration.script import read_script
from flows.migration.strategy import Strategy, Terms
from flows.migration.target import target_from_environment
from tests.fix_allowances import allow
from tests.migrations.online_runner import CORPUS, held, plainly
from tests.migrations.test_online_corpus import FLOWN, assert_same

WRITES = (
    b"UPDATE shop.users SET email = email WHERE id = %s",
    b"UPDATE shop.organizations SET name = name WHERE id = %s",
    b"UPDATE shop.members SET joined_at = joined_at WHERE user_id = %s",
)
GONE = (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn)
"""What the file itself renames or drops."""


@pytest.fixture
def target_url(server: PostgresServer, world: World, path: Path) -> str:
    """As the owner of the tables; only a superuser makes an extension."""
    is_superusers = path.stem == "extension_and_role"
    return server.url(world.database) if is_superusers else world.owner_url


@pytest.fixture
def ground(target_url: str) -> Iterator[Conn]:
    with connect(target_from_environment({"DATABASE_URL": target_url}), "test") as conn:
        conn.autocommit = True
        conn.execute((CORPUS / "ground.sql").read_bytes())
        yield conn


@contextmanager
def writing(url: str, errors: list[str]) -> Iterator[None]:
    """Somebody who writes one row after the other, until the block is left."""
    began, over = threading.Event(), threading.Event()

    def write() -> None:
        dice = random.Random(0)
        with psycopg.connect(url, autocommit=True) as conn:
            while not over.is_set():
                try:
                    conn.execute(dice.choice(WRITES), [dice.randint(1, 50)])
                except GONE:
                    continue
                except psycopg.Error as error:
                    errors.append(f"{error.sqlstate}: {error}")
                began.set()

    writer = threading.Thread(target=write)
    writer.start()
    assert began.wait(10)
    try:
        yield
    finally:
        over.set()
        writer.join()


def fly(folder: Path, url: str, strategy: Strategy) -> None:
    terms = Terms(60_000, strategy)
    clearance = clear(
        folder, "1", partial(target_from_environment, {"DATABASE_URL": url}), terms
    )
    report = Report(action="deploy", version="1", run_id=str(uuid4()))
    flight = flight_of(report, clearance, terms)
    assert flight.choice.strategy == strategy, clearance.findings
    assert apply_as_chosen(flight, lambda line: None).strategy == strategy


@pytest.mark.parametrize("strategy", ["transactional", "online"])
@pytest.mark.parametrize("path", FLOWN, ids=lambda path: path.stem)
def test_flown_beside_a_writer_comes_to_the_same(
    path: Path, strategy: Strategy, ground: Conn, target_url: str, tmp_path: Path
) -> None:
    statements = read_script(path).statements
    after = plainly(ground, [statement.text for statement in statements])
    (tmp_path / "1_corpus.up.sql").write_bytes(path.read_bytes())
    allow(tmp_path / "1_corpus.toml", path)
    errors: list[str] = []
    with writing(target_url, errors):
        fly(tmp_path, target_url, strategy)
    assert errors == []
    assert_same(held(ground), after)
