"""Allowances for the tests' own migrations: what a refusal says to paste, pasted."""

from contextlib import suppress
from pathlib import Path

from flows.migration.allowance import toml_of
from flows.migration.asked import asked_of
from flows.migration.errors import MigrationError
from flows.migration.script import read_script


def allowing(*scripts: Path) -> str:
    """Entries of a migration.toml for all that these files do."""
    found = [asked.key for path in scripts for asked in asked_of(read_script(path))]
    entries = [toml_of(*key) for key in dict.fromkeys(found)]
    return "\n".join(f"\n{entry}\n" for entry in entries).replace(
        'reason = ""', 'reason = "a test of what comes after"'
    )


def allow(manifest: Path, *scripts: Path) -> None:
    """Append them to a manifest, which need not be there yet.

    A script that cannot be read needs none: that is what its test is about.
    """
    known = manifest.read_text() if manifest.exists() else ""
    with suppress(MigrationError):
        known += allowing(*scripts)
    manifest.write_text(known)
