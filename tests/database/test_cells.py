"""Cells: read back, and left as found however the block ends."""

from collections.abc import Callable, Iterator

import psycopg
import pytest

from flows.database.cells import left_as_found, read_cell
from flows.demo.world import World
from flows.migration.errors import Inconclusive, QueryFailed, SmokeFailed
from flows.migration.probe import Cell
from flows.migration.target import Target

COLUMN = "display_name"
CHANGE = "UPDATE platform.users SET display_name = 'changed' WHERE id = %s"


@pytest.fixture
def cell(world: World) -> Cell:
    where = {"id": str(world.smoke.user_id)}
    return Cell(table="platform.users", column=COLUMN, where=where)


def test_cell_is_read(target: Target, cell: Cell, owner, world: World):
    owner.execute(CHANGE, [world.smoke.user_id])
    assert read_cell(target, cell) == "changed"


def test_null_is_read_as_none(target: Target, cell: Cell, owner):
    owner.execute("UPDATE platform.users SET last_login_at = NULL")
    at = cell.model_copy(update={"column": "last_login_at"})
    assert read_cell(target, at) is None


def test_cell_is_left_as_found(target: Target, cell: Cell, owner, world: World):
    before = read_cell(target, cell)
    with left_as_found(target, [cell]):
        owner.execute(CHANGE, [world.smoke.user_id])
    assert read_cell(target, cell) == before


def test_cell_is_left_as_found_when_the_block_raises(
    target: Target, cell: Cell, owner, world: World
):
    before = read_cell(target, cell)
    with pytest.raises(KeyboardInterrupt), left_as_found(target, [cell]):
        owner.execute(CHANGE, [world.smoke.user_id])
        raise KeyboardInterrupt
    assert read_cell(target, cell) == before


@pytest.fixture
def change_and_hold(world: World, owner) -> Iterator[Callable[[], None]]:
    """Changes the smoke user's row and does not let go of it."""
    with psycopg.connect(world.owner_url) as other:

        def change() -> None:
            owner.execute(CHANGE, [world.smoke.user_id])
            other.execute("SELECT FROM platform.users FOR UPDATE")

        yield change


def test_cell_that_cannot_be_put_back_is_named(
    target: Target, cell: Cell, change_and_hold: Callable[[], None]
):
    gist = r"leave platform\.users\.display_name as found: .*lock timeout"
    with pytest.raises(Inconclusive, match=gist), left_as_found(target, [cell]):
        change_and_hold()


def test_error_of_the_block_counts_more(
    target: Target, cell: Cell, change_and_hold: Callable[[], None]
):
    with pytest.raises(SmokeFailed) as caught, left_as_found(target, [cell]):
        change_and_hold()
        raise SmokeFailed("status 500")
    assert "status 500" in str(caught.value)
    assert "could not leave platform.users.display_name" in str(caught.value)


def test_null_is_restored(target: Target, cell: Cell, owner):
    owner.execute("UPDATE platform.users SET last_login_at = NULL")
    at = cell.model_copy(update={"column": "last_login_at"})
    with left_as_found(target, [at]):
        owner.execute("UPDATE platform.users SET last_login_at = now()")
    assert read_cell(target, at) is None


def test_untouched_row_is_not_written(target: Target, cell: Cell, owner):
    versions = "SELECT sum(xmin::text::bigint) FROM platform.users"
    before = owner.execute(versions).fetchone()
    with left_as_found(target, [cell]):
        pass
    assert owner.execute(versions).fetchone() == before


@pytest.mark.parametrize(
    ("where", "gist"),
    [
        ({"id": "00000000-0000-4000-8000-000000000000"}, "No rows of platform.users"),
        ({"password_hash": "!"}, "2 rows of platform.users"),
    ],
)
def test_cell_must_be_one_row(
    target: Target, cell: Cell, owner, where: dict[str, str], gist: str
):
    owner.execute("UPDATE platform.users SET password_hash = '!'")
    with pytest.raises(QueryFailed, match=gist):
        read_cell(target, cell.model_copy(update={"where": where}))


def test_unknown_table_is_named(target: Target, cell: Cell):
    with pytest.raises(QueryFailed, match="table nix: it does not exist"):
        read_cell(target, cell.model_copy(update={"table": "nix"}))


def test_columns_may_have_any_name(target: Target, owner):
    owner.execute('CREATE TABLE platform.t ("value" text, "text" text, "a b)" text)')
    owner.execute("INSERT INTO platform.t VALUES ('1', '2', '3')")
    where = {"value": "1", "a b)": "3"}
    cell = Cell(table="platform.t", column="text", where=where)
    with left_as_found(target, [cell]):
        owner.execute("UPDATE platform.t SET text = 'changed'")
    assert read_cell(target, cell) == "2"
