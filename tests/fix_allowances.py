"""Allowances for files of the tests' own: what the refusal says to paste, pasted."""

from flows.migration.allowance import toml_of
from flows.migration.asked import asked_of
from flows.migration.script import Script


def allowing(*scripts: Script) -> str:
    """A migration.toml that allows all that the scripts do."""
    keys = dict.fromkeys(asked.key for script in scripts for asked in asked_of(script))
    entries = [toml_of(*key) for key in keys]
    return "\n\n".join(entries).replace('reason = ""', 'reason = "a test"')
