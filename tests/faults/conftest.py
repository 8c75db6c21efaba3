"""A server of the suite's own, because it is crashed and filled up."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.ground import Field, Ground, fresh_ground, make_field
from tests.fix_server import SERVER_BIN


@pytest.fixture(scope="session")
def field() -> Iterator[Field]:
    with make_field(Path(SERVER_BIN) if SERVER_BIN else None) as field:
        yield field


@pytest.fixture
def ground(field: Field) -> Iterator[Ground]:
    """A world of its own, before the migration."""
    with fresh_ground(field) as ground:
        yield ground
