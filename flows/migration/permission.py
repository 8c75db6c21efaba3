"""Whether a migration's author has allowed, by name, what its files do."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from flows.migration.allowance import DELETING, Allowance, toml_of
from flows.migration.asked import Asked, asked_of, definers_made_by
from flows.migration.errors import MigrationError
from flows.migration.script import Script


def refuse_unallowed(
    manifest: Path,
    allowed: Sequence[Allowance],
    up: Script,
    down: Script | None,
    verify: Script | None,
) -> None:
    """Hold three files against the ``[[allow]]`` of migration.toml.

    A down.sql is there to delete, and what it deletes is saved; what verify.sql does
    to rows is rolled back. The rest is asked about wherever it stands.

    Raises:
        MigrationError: something is not allowed, or an allowance is for nothing; one
            line for each, and what to write.
    """
    in_up = asked_of(up)
    in_down = asked_of(down) if down else ()
    in_verify = asked_of(verify) if verify else ()
    keys = {allowance.key for allowance in allowed}
    missing = [
        asked
        for asked in (
            *in_up,
            *(asked for asked in in_down if asked.what not in DELETING),
            *(a for a in in_verify if a.what not in {*DELETING, "update-every-row"}),
        )
        if asked.key not in keys
    ]
    done = {asked.key for asked in (*in_up, *in_down, *in_verify)}
    done |= {("superuser-definer", name) for name in definers_made_by(up)}
    stale = [
        f"{manifest}: allow[{number}]: nothing here does that: {allowance.what} of"
        f" {allowance.name}"
        for number, allowance in enumerate(allowed)
        if allowance.key not in done
    ]
    if missing or stale:
        lines = [f"{asked.where}: {asked.does}" for asked in missing] + stale
        raise MigrationError("\n".join(lines), _help(manifest, missing, bool(stale)))


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
