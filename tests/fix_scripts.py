"""Scripts and folders of migrations made from a few lines of SQL."""

from collections.abc import Callable
from pathlib import Path

import pytest

from flows.migration.derive import derive
from flows.migration.expectation import Expectations
from flows.migration.script import Script, Statement, read_script

Read = Callable[[str | bytes], Script]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read SQL as if it stood in a file ``up.sql``."""

    def read(sql: str | bytes) -> Script:
        path = tmp_path / "up.sql"
        path.write_bytes(sql if isinstance(sql, bytes) else sql.encode())
        return read_script(path)

    return read


@pytest.fixture
def one(read: Read) -> Callable[[str], Statement]:
    """The only statement of some SQL."""

    def one(sql: str) -> Statement:
        (only,) = read(sql).statements
        return only

    return one


@pytest.fixture
def derived(read: Read) -> Callable[[str], Expectations]:
    """What is derived from some SQL."""
    return lambda sql: derive(read(sql))
