"""A folder of migrations: listing it, and loading one migration from it.

Two layouts are understood: ``<version>_<name>/up.sql`` and, flat,
``<version>_<name>.up.sql``; down, verify and the manifest beside it likewise.
"""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from flows.migration.declared import lay_over
from flows.migration.derive import derive
from flows.migration.errors import MigrationError
from flows.migration.expectation import Expectations
from flows.migration.manifest import Manifest, read_manifest
from flows.migration.permission import Files, refuse_unallowed
from flows.migration.refusals import cascades_of, refusals_of, refuse
from flows.migration.script import Script, read_script

DEFAULT_FOLDER = "sql/migrations"
FOLDER_VARIABLE = "PGFLIGHT_MIGRATIONS"

_NAMED = re.compile(r"(\d+)_(.+)")
_FLAT = re.compile(r"(.+)\.(?:up|down|verify)\.sql")


@dataclass(frozen=True)
class Listed:
    """A migration's place in its folder; nothing of it has been read.

    Attributes:
        version: as written, e.g. ``008``.
        path: its own folder, or its up.sql in the flat layout.
    """

    version: str
    name: str
    path: Path
    is_flat: bool

    @property
    def full_name(self) -> str:
        return f"{self.version}_{self.name}"

    @property
    def number(self) -> int:
        return int(self.version)

    def file(self, part: str) -> Path:
        """Path of ``up.sql``, ``down.sql``, ``verify.sql`` or ``migration.toml``."""
        if not self.is_flat:
            return self.path / part
        suffix = part.removeprefix("migration.")
        return self.path.with_name(f"{self.full_name}.{suffix}")


@dataclass(frozen=True)
class Migration:
    """A migration, read and found fit to be flown.

    Attributes:
        path: its own folder, or its up.sql in the flat layout.
        down: None where the migration is declared irreversible.
        manifest: its ``requires`` and ``conflicts`` are versions of the folder.
        expectations: derived from up.sql, overlaid with the declared ones.
    """

    version: str
    name: str
    title: str
    path: Path
    up: Script
    down: Script | None
    verify: Script | None
    manifest: Manifest
    expectations: Expectations


def folder_chosen(choice: str, environment: Mapping[str, str]) -> str:
    """The folder that is meant: the one chosen, or the environment's, or the usual."""
    return choice or environment.get(FOLDER_VARIABLE, "").strip() or DEFAULT_FOLDER


def list_migrations(folder: Path) -> tuple[Listed, ...]:
    """Every migration of a folder, by number.

    Raises:
        MigrationError: the folder cannot be read, or two have the same number.
    """
    listed = sorted(set(_listed(folder)), key=lambda item: item.number)
    for one, other in pairwise(listed):
        if one.number == other.number:
            raise MigrationError(
                f"{folder}: two migrations are number {one.number}:"
                f" {one.path.name} and {other.path.name}",
                "Give one of them another number.",
            )
    return tuple(listed)


def load_migration(
    folder: Path, wanted: str, *, is_going_back: bool = False
) -> Migration:
    """Read a migration with all its files.

    Args:
        wanted: its version, with or without leading zeros, its name, or both.
        is_going_back: it is to be rolled back, so that what up.sql does need not be
            allowed any more.

    Raises:
        MigrationError: there is none, or its files are wrong.
    """
    all_listed = list_migrations(folder)
    listed = _find(all_listed, wanted)
    if listed is None:
        raise _unknown(folder, all_listed, wanted)
    up = _read(listed, "up.sql")
    if up is None:
        raise MigrationError(
            f"{listed.file('up.sql')}: missing",
            "Every migration needs this file; the others are optional.",
        )
    down = _read(listed, "down.sql")
    if down:
        refuse(cascades_of(down))
    manifest = _manifest(listed, all_listed)
    verify = _read(listed, "verify.sql")
    files = Files(listed.file("migration.toml"), up, down, verify)
    refuse_unallowed(files, manifest.allow, is_going_back=is_going_back)
    return Migration(
        version=listed.version,
        name=listed.name,
        title=manifest.title or listed.name.replace("_", " "),
        path=listed.path,
        up=up,
        down=down,
        verify=verify,
        manifest=manifest,
        expectations=lay_over(derive(up), manifest),
    )


def _listed(folder: Path) -> Iterator[Listed]:
    try:
        entries = [(entry, entry.is_dir()) for entry in folder.iterdir()]
    except OSError as error:
        raise MigrationError(
            f"{folder}: cannot be read: {error.strerror}",
            f"Name the folder that holds the migrations, as --folder or the run's"
            f" parameter folder, or in {FOLDER_VARIABLE} where the run takes place."
            f"{_here(folder)}",
        ) from None
    for entry, is_folder in entries:
        flat = None if is_folder else _FLAT.fullmatch(entry.name)
        stem = flat[1] if flat else entry.name if is_folder else ""
        named = _NAMED.fullmatch(stem)
        if named:
            path = entry if is_folder else folder / f"{stem}.up.sql"
            yield Listed(named[1], named[2], path, not is_folder)


def _here(folder: Path) -> str:
    return "" if folder.is_absolute() else f" It was looked for in {Path.cwd()}."


def _find(listed: Sequence[Listed], wanted: str) -> Listed | None:
    for item in listed:
        is_number = wanted.isdecimal() and int(wanted) == item.number
        if is_number or wanted in (item.name, item.full_name):
            return item
    return None


def _unknown(folder: Path, listed: Sequence[Listed], wanted: str) -> MigrationError:
    if not listed:
        return MigrationError(
            f"{folder}: holds no migration",
            "Expected folders named like 008_active_org with an up.sql in each, or"
            " files named like 008_active_org.up.sql.",
        )
    names = [item.full_name for item in listed]
    choices = dict(zip(names, names, strict=True))
    choices |= {item.name: item.full_name for item in listed}
    close = difflib.get_close_matches(wanted, choices, n=1)
    hint = f"Did you mean {choices[close[0]]}? " if close else ""
    return MigrationError(
        f"{folder}: no migration {wanted!r}", f"{hint}There is: {', '.join(names)}."
    )


def _read(listed: Listed, part: str) -> Script | None:
    path = listed.file(part)
    if not _exists(path):
        return None
    script = read_script(path)
    refuse(refusals_of(script))
    return script


def _exists(path: Path) -> bool:
    try:
        # A link that leads nowhere is there: it must not pass for a file that is not.
        return path.exists() or path.is_symlink()
    except OSError as error:
        raise MigrationError(
            f"{path}: cannot be read: {error.strerror}",
            "Check that you may read the folder and its files.",
        ) from None


def _manifest(listed: Listed, all_listed: Sequence[Listed]) -> Manifest:
    path = listed.file("migration.toml")
    if not _exists(path):
        return Manifest()
    manifest = read_manifest(path)
    versions = {
        key: tuple(
            _version(path, key, wanted, all_listed) for wanted in getattr(manifest, key)
        )
        for key in ("requires", "conflicts")
    }
    return manifest.model_copy(update=versions)


def _version(path: Path, key: str, wanted: str, listed: Sequence[Listed]) -> str:
    """The version that a key names.

    A number that is not in the folder any more may still be in the ledger.
    """
    found = _find(listed, wanted)
    if found:
        return found.version
    if wanted.isdecimal():
        return wanted
    raise MigrationError(
        f"{path}: {key}: there is no migration {wanted!r}",
        "Name a migration of the same folder, by its version.",
    )
