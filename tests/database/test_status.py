"""Status: the folder and the ledger, side by side."""

from pathlib import Path
from shutil import rmtree

import psycopg
import pytest
from pydantic import SecretStr

from flows.database.apply import apply
from flows.database.status import read_status
from flows.demo.world import World
from flows.migration.errors import ConnectionFailed, MigrationError
from flows.migration.standing import Standing
from flows.migration.target import Target
from tests.fix_flight import MakeFlight


@pytest.fixture
def target(world: World) -> Target:
    return Target(SecretStr(world.owner_url))


@pytest.fixture
def applied(make_flight: MakeFlight) -> None:
    apply(make_flight(), lambda line: None)


def standing(target: Target, folder: Path, version: str = "008") -> Standing:
    (found,) = (s for s in read_status(target, folder) if s.version == version)
    return found


def test_new_database_has_everything_pending(target: Target, folder: Path) -> None:
    found = {s.version: (s.state, s.since, s.by) for s in read_status(target, folder)}
    assert found == {"007": ("on hold", None, ""), "008": ("pending", None, "")}


def test_hold_says_why_and_whose(target: Target, folder: Path) -> None:
    note = standing(target, folder, "007").note
    assert note.startswith("the session context middleware is not deployed yet")
    assert note.endswith("(platform team)")


@pytest.mark.usefixtures("applied")
def test_applied_migration_says_when_and_by_whom(target: Target, folder: Path) -> None:
    found = standing(target, folder)
    assert (found.state, found.by, found.note) == ("applied", "platform_owner", "")
    assert found.since is not None


@pytest.mark.usefixtures("applied")
@pytest.mark.parametrize(
    ("state", "shown", "note"),
    [
        ("verified", "verified", ""),
        ("accepted", "accepted", ""),
        ("rolled_back", "rolled back", "can be deployed again"),
    ],
)
def test_state_is_the_ledgers(
    target: Target,
    folder: Path,
    owner: psycopg.Connection,
    state: str,
    shown: str,
    note: str,
) -> None:
    owner.execute("UPDATE pgflight.run SET state = %s", [state])
    found = standing(target, folder)
    assert (found.state, found.note) == (shown, note)


@pytest.mark.usefixtures("applied")
def test_changed_file_is_noted(target: Target, folder: Path) -> None:
    with (folder / "008_active_org" / "up.sql").open("a") as file:
        file.write("-- more\n")
    assert standing(target, folder).note == "up.sql was changed since"


@pytest.mark.usefixtures("applied")
def test_broken_file_hides_no_state(target: Target, folder: Path) -> None:
    (folder / "008_active_org" / "up.sql").write_text("ALTER")
    found = standing(target, folder)
    assert found.state == "applied"
    assert found.note.startswith("cannot be read: ")


def test_broken_file_of_a_pending_migration_is_noted(
    target: Target, folder: Path
) -> None:
    (folder / "008_active_org" / "migration.toml").write_text("budget_ms = 1")
    found = standing(target, folder)
    assert found.state == "pending"
    assert "migration.toml: budget_ms" in found.note


@pytest.mark.usefixtures("applied")
def test_migration_that_only_the_ledger_knows_is_listed(
    target: Target, folder: Path
) -> None:
    rmtree(folder / "008_active_org")
    found = read_status(target, folder)
    assert [(s.version, s.state) for s in found] == [
        ("007", "on hold"),
        ("008", "applied"),
    ]
    assert found[1].note == "not in the folder"


def test_status_writes_nothing(
    target: Target, folder: Path, owner: psycopg.Connection
) -> None:
    read_status(target, folder)
    row = owner.execute("SELECT to_regnamespace('pgflight')").fetchone()
    assert row == (None,)


def test_missing_folder_is_named(target: Target, tmp_path: Path) -> None:
    with pytest.raises(MigrationError, match="nowhere: cannot be read"):
        read_status(target, tmp_path / "nowhere")


def test_refused_connection_is_told(folder: Path, world: World) -> None:
    target = Target(SecretStr(f"{world.owner_url}_no_such"))
    with pytest.raises(ConnectionFailed, match="does not exist"):
        read_status(target, folder)
