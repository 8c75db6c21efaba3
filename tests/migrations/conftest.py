"""The database that the online corpus is written for."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from flows.database.connection import Conn
from flows.demo.server import PostgresServer
from tests.migrations.online_runner import CORPUS


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
