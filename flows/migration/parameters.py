"""The parameters of the flows: types that give Prefect's form its fields.

Prefect checks them when a run is created, and stores and shows what it accepts. So a
credential is refused wherever text is free, and a target is only ever named.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, WithJsonSchema

from flows.migration.errors import BadInput
from flows.migration.manifest import BudgetMs
from flows.migration.target import LONGEST_NAME, TARGET_NAME

BLOCK_TYPE = "postgres-target"
"""Slug of the block type whose documents the form lists."""

MIGRATION_NAME = r"^\w[\w .-]*$"
CREDENTIAL = r"://[^\s/]*@|(?i:password)\s*="
"""A URL with a login, or a ``password=``."""


@dataclass(frozen=True)
class BlockReference:
    """A target as the form's list gives it: which block, and nothing of what it holds.

    Attributes:
        key: ``block_document_id`` or ``block_document_slug``.
    """

    key: str
    value: str


def without_credential(text: str) -> str:
    """The text itself.

    Raises:
        ValueError: there is a credential in it; the message does not quote it.
    """
    if re.search(CREDENTIAL, text):
        raise ValueError("holds a credential, which Prefect would store and show")
    return text


def reference_in(value: Any) -> Any:
    """A reference to a block as Prefect writes it (``$ref``), unread; others stay."""
    if not isinstance(value, Mapping) or set(value) != {"$ref"}:
        return value
    pointer = value["$ref"]
    if isinstance(pointer, Mapping) and len(pointer) == 1:
        ((key, found),) = pointer.items()
        return BlockReference(str(key), str(found))
    return BlockReference("block_document_id", str(pointer))


def assert_confirmed(migration: str, confirm: str) -> None:
    """The migration's name was typed twice, the same.

    Raises:
        BadInput: it was not; nothing was begun.
    """
    if migration != confirm:
        raise BadInput(
            f"Not confirmed: the migration is {migration}, and typed again it is"
            f" {confirm or 'empty'}",
            f"Type {migration} into both fields if that is what you mean to roll back.",
        )


def _named_only(value: Any) -> Any:
    found = reference_in(value)
    if found is None or isinstance(found, str | BlockReference):
        return found
    raise ValueError("is the name of a target, or a reference to its block")


_Free = AfterValidator(without_credential)
_NOT_A_CREDENTIAL: dict[str, Any] = {"not": {"pattern": CREDENTIAL}}

MigrationName = Annotated[
    str, Field(min_length=1, max_length=200, pattern=MIGRATION_NAME)
]
Folder = Annotated[str, Field(json_schema_extra=_NOT_A_CREDENTIAL), _Free]
"""Empty for the worker's own: a form's plain field, where None would need a tab."""

LONGEST_REASON = 1_000
"""Characters."""

Reason = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST_REASON, json_schema_extra=_NOT_A_CREDENTIAL),
    _Free,
]
Budget = Annotated[
    BudgetMs | None,
    # The form has a tab for each, named after its title.
    WithJsonSchema(
        {
            "anyOf": [
                TypeAdapter(BudgetMs).json_schema() | {"title": "milliseconds"},
                {"type": "null", "title": "the migration's own"},
            ]
        }
    ),
]
TargetChoice = Annotated[
    str | BlockReference | None,
    BeforeValidator(_named_only),
    # With block_type_slug the form is a list of the blocks. Prefect's own type for a
    # block would also take its contents, and store them in clear.
    WithJsonSchema(
        {
            "block_type_slug": BLOCK_TYPE,
            "anyOf": [
                {
                    "type": "object",
                    "properties": {
                        "$ref": {
                            "type": "object",
                            "properties": {
                                "block_document_id": {"type": "string"},
                                "block_document_slug": {
                                    "type": "string",
                                    "pattern": f"^{BLOCK_TYPE}/[a-z0-9-]+$",
                                },
                            },
                            "minProperties": 1,
                            "maxProperties": 1,
                            "additionalProperties": False,
                        }
                    },
                    "required": ["$ref"],
                    "additionalProperties": False,
                },
                {"type": "string", "pattern": TARGET_NAME, "maxLength": LONGEST_NAME},
                {"type": "null"},
            ],
        }
    ),
]
