"""The parameters of the flows, as they arrive in a flow."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from flows.migration.errors import BadInput
from flows.migration.parameters import (
    BlockReference,
    Folder,
    MigrationName,
    TargetChoice,
    assert_confirmed,
)


@pytest.mark.parametrize(
    ("sent", "taken"),
    [
        (None, None),
        ("prod", "prod"),
        (
            {"$ref": {"block_document_id": "1"}},
            BlockReference("block_document_id", "1"),
        ),
        ({"$ref": "1"}, BlockReference("block_document_id", "1")),
    ],
)
def test_target_is_a_name_or_an_unread_reference(sent: Any, taken: Any) -> None:
    assert TypeAdapter(TargetChoice).validate_python(sent) == taken


def test_contents_of_a_block_are_no_target() -> None:
    with pytest.raises(ValidationError, match="is the name of a target"):
        TypeAdapter(TargetChoice).validate_python({"database_url": "postgresql://x/y"})


@pytest.mark.parametrize(
    "text", ["postgresql://a:b@c/d", "host=x password=y", "PASSWORD = z"]
)
def test_free_text_holds_no_credential(text: str) -> None:
    with pytest.raises(ValidationError, match="holds a credential"):
        TypeAdapter(Folder).validate_python(text)


@pytest.mark.parametrize("text", ["008", "8", "008_active_org", "2026_a b.c-d", "1_ü"])
def test_migration_is_named_as_folders_are(text: str) -> None:
    assert TypeAdapter(MigrationName).validate_python(text) == text


def test_confirmation_is_to_the_letter() -> None:
    assert_confirmed("008", "008")
    with pytest.raises(BadInput, match="the migration is 008, and typed again it is 8"):
        assert_confirmed("008", "8")
