"""What an author allows a migration to do, by name: ``[[allow]]`` of migration.toml."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from flows.migration.names import canonical_name, canonical_signature

What = Literal[
    "drop-table",
    "drop-column",
    "drop-schema",
    "drop-owned",
    "drop-cascade",
    "truncate",
    "delete-every-row",
    "update-every-row",
    "grant-to-public",
    "change-role",
    "grant-role",
    "server-program",
    "server-file",
    "untrusted-language",
    "definer-search-path",
    "superuser-definer",
    "disable-row-security",
    "lose-rows",
]

DELETING: frozenset[What] = frozenset(
    {
        "drop-table",
        "drop-column",
        "drop-schema",
        "drop-owned",
        "drop-cascade",
        "truncate",
        "delete-every-row",
    }
)
"""Kinds that delete: in down.sql they are what it is for, and are saved first."""

_NO_NAMES = frozenset({"server-program", "server-file"})
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


class Allowance(BaseModel):
    """One thing that the migration may do, and why.

    Attributes:
        name: the object as SQL writes it: ``platform.users.legacy`` for a column, a
            function with its input types, a role, a language, a file or a program.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    what: What
    name: str = Field(min_length=1)
    reason: str = Field(min_length=1)

    @property
    def key(self) -> tuple[What, str]:
        """What and name, the name spelled as this package spells it."""
        if self.what in _NO_NAMES:
            return self.what, self.name
        if "(" in self.name:
            return self.what, canonical_signature(self.name)
        return self.what, canonical_name(self.name)


def toml_of(what: What, name: str) -> str:
    """The entry to paste, without a reason: that is its author's to give."""
    escaped = "".join(_ESCAPES.get(character, character) for character in name)
    return f'[[allow]]\nwhat = "{what}"\nname = "{escaped}"\nreason = ""'


def superuser_definer(signature: str, owner: str) -> str:
    """What is wrong with a superuser's SECURITY DEFINER function, and what to write."""
    return (
        f"runs with the rights of the superuser {owner}: give it another owner in"
        f" up.sql (ALTER FUNCTION {signature} OWNER TO …), or allow it in"
        " migration.toml:\n" + toml_of("superuser-definer", signature)
    )
