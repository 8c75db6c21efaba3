"""Sabotage at COMMIT: what goes wrong after the last check inside the transaction."""

from collections.abc import Callable

import psycopg
import pytest
from psycopg import sql

from flows.resources import SQL

Sabotage = Callable[[str], None]

_TRIGGER = """
CREATE FUNCTION pgflight.sabotage() RETURNS trigger LANGUAGE plpgsql AS {body};
CREATE CONSTRAINT TRIGGER sabotage AFTER INSERT ON pgflight.run
  DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION pgflight.sabotage();
"""


@pytest.fixture
def ledger(owner: psycopg.Connection) -> None:
    """The ledger, made before the first deployment."""
    owner.execute((SQL / "ledger" / "create.sql").read_bytes())


@pytest.fixture
def sabotage(owner: psycopg.Connection, ledger: None) -> Sabotage:
    """Runs SQL once the ledger has the row of a deployment: after all its checks."""

    def prepare(statement: str) -> None:
        body = sql.Literal(f"BEGIN {statement}; RETURN NULL; END")
        owner.execute(sql.SQL(_TRIGGER).format(body=body))

    return prepare
