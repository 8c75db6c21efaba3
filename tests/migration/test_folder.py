"""Finding migrations in a folder, and reading one with all its files."""

from collections.abc import Callable
from pathlib import Path

import pytest

from flows.migration.errors import MigrationError
from flows.migration.folder import folder_chosen, list_migrations, load_migration
from tests.fix_allowances import allow

Write = Callable[[dict[str, str]], Path]

UP = "ALTER TABLE p.t ADD a int"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write files below a new folder."""

    def write(files: dict[str, str]) -> Path:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        return tmp_path

    return write


def test_migrations_are_listed_by_number(write: Write) -> None:
    names = ["10_c/up.sql", "9_b.up.sql", "008_a/up.sql", "9_b.down.sql", "README.md"]
    folder = write(dict.fromkeys(names, UP))
    listed = list_migrations(folder)
    assert [item.full_name for item in listed] == ["008_a", "9_b", "10_c"]


@pytest.mark.parametrize("other", ["8_b/up.sql", "0008_b.up.sql", "008_a.up.sql"])
def test_number_given_twice_is_refused(write: Write, other: str) -> None:
    folder = write({"008_a/up.sql": UP, other: UP})
    with pytest.raises(MigrationError, match="two migrations are number 8"):
        list_migrations(folder)


@pytest.mark.parametrize("wanted", ["008", "8", "active_org", "008_active_org"])
@pytest.mark.parametrize("up", ["008_active_org/up.sql", "008_active_org.up.sql"])
def test_migration_is_found_by_number_or_name(
    write: Write, wanted: str, up: str
) -> None:
    migration = load_migration(write({up: UP, "009_x/up.sql": UP}), wanted)
    assert (migration.version, migration.name) == ("008", "active_org")
    assert migration.title == "active org"
    assert (migration.down, migration.verify) == (None, None)


@pytest.mark.parametrize(
    ("pattern", "manifest"),
    [("8_a/{}.sql", "8_a/migration.toml"), ("8_a.{}.sql", "8_a.toml")],
)
def test_all_files_are_read(write: Write, pattern: str, manifest: str) -> None:
    scripts = {pattern.format(part): UP for part in ("up", "down", "verify")}
    migration = load_migration(write(scripts | {manifest: "title = 'A'"}), "8")
    assert migration.down is not None
    assert migration.verify is not None
    assert migration.title == "A"
    assert [column.name for column in migration.expectations.columns] == ["a"]


def test_unknown_migration_suggests_the_closest(write: Write) -> None:
    folder = write({"008_active_org/up.sql": UP, "009_other/up.sql": UP})
    with pytest.raises(MigrationError, match="no migration 'active_orgs'") as caught:
        load_migration(folder, "active_orgs")
    assert "Did you mean 008_active_org?" in caught.value.help
    assert "There is: 008_active_org, 009_other." in caught.value.help


def test_empty_folder_says_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(MigrationError, match="holds no migration") as caught:
        load_migration(tmp_path, "8")
    assert "up.sql" in caught.value.help


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(MigrationError, match="nowhere: cannot be read: No such file"):
        list_migrations(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("file", "missing"),
    [("8_a/down.sql", r"8_a/up\.sql: missing"), ("8_a.down.sql", r"8_a\.up\.sql: m")],
)
def test_missing_up_is_named(write: Write, file: str, missing: str) -> None:
    with pytest.raises(MigrationError, match=missing):
        load_migration(write({file: UP}), "8")


@pytest.mark.parametrize(
    ("part", "sql", "reason"),
    [
        ("up", "VACUUM", "VACUUM cannot run"),
        ("down", "VACUUM", "VACUUM cannot run"),
        ("verify", "COMMIT", "COMMIT is transaction control"),
        ("down", "DROP TABLE t CASCADE", "CASCADE would drop"),
    ],
)
def test_refusals_are_raised_for_every_script(
    write: Write, part: str, sql: str, reason: str
) -> None:
    folder = write({"8_a/up.sql": UP, f"8_a/{part}.sql": sql})
    with pytest.raises(MigrationError, match=rf"8_a/{part}\.sql:1:1: {reason}"):
        load_migration(folder, "8")


def test_cascade_is_accepted_in_up(write: Write) -> None:
    folder = write({"8_a/up.sql": "DROP TABLE t CASCADE"})
    allow(folder / "8_a/migration.toml", folder / "8_a/up.sql")
    assert load_migration(folder, "8").up.statements


def test_needs_are_written_as_versions(write: Write) -> None:
    manifest = "requires = ['7', 'first', '3']\nconflicts = ['009_x']"
    files = ["007_g/up.sql", "001_first/up.sql", "009_x/up.sql", "008_a/up.sql"]
    folder = write(dict.fromkeys(files, UP) | {"008_a/migration.toml": manifest})
    found = load_migration(folder, "8").manifest
    assert found.requires == ("007", "001", "3")
    assert found.conflicts == ("009",)


def test_need_of_an_unknown_name_is_refused(write: Write) -> None:
    folder = write({"8_a/up.sql": UP, "8_a/migration.toml": "requires = ['b']"})
    with pytest.raises(MigrationError, match=r"toml: requires: there is no migration"):
        load_migration(folder, "8")


@pytest.mark.parametrize(
    ("choice", "variables", "folder"),
    [
        ("", {}, "sql/migrations"),
        ("", {"PGFLIGHT_MIGRATIONS": "db"}, "db"),
        ("", {"PGFLIGHT_MIGRATIONS": " "}, "sql/migrations"),
        ("mine", {"PGFLIGHT_MIGRATIONS": "db"}, "mine"),
    ],
)
def test_folder_that_is_meant(
    choice: str, variables: dict[str, str], folder: str
) -> None:
    assert folder_chosen(choice, variables) == folder


def test_folder_that_is_not_there_says_how_to_name_it() -> None:
    with pytest.raises(MigrationError) as caught:
        list_migrations(Path("nowhere"))
    for word in (
        "--folder",
        "parameter folder",
        "PGFLIGHT_MIGRATIONS",
        str(Path.cwd()),
    ):
        assert word in str(caught.value)
