"""Whether a migration's author has allowed, by name, what its files do."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.migration.allowance import DELETING, Allowance, What, toml_of
from flows.migration.asked import Asked, asked_of, definers_made_by
from flows.migration.errors import MigrationError
from flows.migration.script import Script

_UNDONE = frozenset({*DELETING, "update-every-row"})


@dataclass(frozen=True)
class Files:
    """The files of one migration."""

    manifest: Path
    up: Script
    down: Script | None
    verify: Script | None


def refuse_unallowed(
    files: Files, allowed: Sequence[Allowance], *, is_going_back: bool = False
) -> None:
    """Hold the files against the ``[[allow]]`` of migration.toml.

    A down.sql is there to delete, and what it deletes is saved; what verify.sql does
    to rows is rolled back. The rest is asked about wherever it stands.

    Args:
        is_going_back: only down.sql is to be run.

    Raises:
        MigrationError: something is not allowed, or an allowance is for nothing; one
            line for each, and what to write.
    """
    in_up = asked_of(files.up)
    in_down = asked_of(files.down) if files.down else ()
    in_verify = asked_of(files.verify) if files.verify else ()
    wanted = [asked for asked in in_down if asked.what not in DELETING]
    stale = []
    if not is_going_back:
        kept = [asked for asked in in_verify if asked.what not in _UNDONE]
        wanted = [*in_up, *wanted, *kept]
        done = {asked.key for asked in (*in_up, *in_down, *in_verify)}
        done |= {("superuser-definer", name) for name in definers_made_by(files.up)}
        if files.down:
            # How it loses them need not be in its text.
            done |= {a.key for a in allowed if a.what == "lose-rows"}
        stale = _stale(files.manifest, allowed, done)
    keys = {allowance.key for allowance in allowed}
    missing = [asked for asked in wanted if asked.key not in keys]
    if missing or stale:
        lines = [f"{asked.where}: {asked.does}" for asked in missing] + stale
        help = _help(files.manifest, missing, bool(stale))
        raise MigrationError("\n".join(lines), help)


def _stale(
    manifest: Path, allowed: Sequence[Allowance], done: set[tuple[What, str]]
) -> list[str]:
    return [
        f"{manifest}: allow[{number}]: nothing here does that: {allowance.what} of"
        f" {allowance.name}"
        for number, allowance in enumerate(allowed)
        if allowance.key not in done
    ]


def _help(manifest: Path, missing: Iterable[Asked], has_stale: bool) -> str:
    entries = dict.fromkeys(toml_of(*asked.key) for asked in missing)
    helps = []
    if entries:
        helps.append(
            f"If that is meant, allow it in {manifest}, each with its reason:\n\n"
            + "\n\n".join(entries)
        )
    if has_stale:
        helps.append("Correct the name of what is allowed in vain, or remove it.")
    return "\n\n".join(helps)
