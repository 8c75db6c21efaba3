"""Running the project's own migrations by hand, one file at a time."""

from collections.abc import Callable

import psycopg
import pytest

from flows.resources import SQL

RunFile = Callable[[str], None]


@pytest.fixture
def run(owner: psycopg.Connection) -> RunFile:
    """Run a file of sql/migrations, as one transaction of the deploying role."""

    def run_file(path: str) -> None:
        owner.execute((SQL / "migrations" / path).read_bytes())

    return run_file
