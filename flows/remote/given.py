"""Parameters as they were typed, turned into what a deployment's form takes."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from prefect.client.schemas.responses import DeploymentResponse

from flows.migration.errors import BadInput

_TEXT = "string"


def split(pairs: Sequence[str]) -> dict[str, str]:
    """The texts of ``name=value``, by name.

    Raises:
        BadInput: there is no name, or no equals sign.
    """
    found: dict[str, str] = {}
    for pair in pairs:
        name, sign, text = pair.partition("=")
        if not sign or not name.isidentifier():
            raise BadInput(f"--param {pair!r} is not name=value")
        found[name] = text
    return found


def typed(
    deployment: DeploymentResponse, name: str, given: Mapping[str, str]
) -> dict[str, Any]:
    """Each text as its parameter's type has it: 010 is a text where one is wanted.

    Args:
        name: the deployment's, with its flow's.

    Raises:
        BadInput: there is no parameter of that name. Prefect would take it, and the run
            crash.
    """
    schema = deployment.parameter_openapi_schema or {}
    fields = schema.get("properties")
    if fields is None:
        return {key: _decoded(text) for key, text in given.items()}
    unknown = [key for key in given if key not in fields]
    if unknown:
        raise BadInput(
            f"{name} has no parameter {', '.join(unknown)}",
            f"It has: {', '.join(fields)}",
        )
    definitions = schema.get("definitions", {})
    return {
        key: _as_wanted(text, _types(fields[key], definitions))
        for key, text in given.items()
    }


def _as_wanted(text: str, types: set[str]) -> Any:
    value = _decoded(text)
    is_number = isinstance(value, bool | int | float)
    is_taken_for_text = _TEXT in types and (is_number or types == {_TEXT})
    # In quotes it is the text that they are around, as Prefect's own commands have it.
    return text if is_taken_for_text and not isinstance(value, str) else value


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _types(field: Mapping[str, Any], definitions: Mapping[str, Any]) -> set[str]:
    """JSON Schema's names of the types that a field takes."""
    found: set[str] = set()
    if "$ref" in field:
        named = definitions.get(str(field["$ref"]).rpartition("/")[2], {})
        found |= _types(named, definitions)
    if isinstance(field.get("type"), str):
        found.add(field["type"])
    for key in ("anyOf", "oneOf", "allOf"):
        for choice in field.get(key, ()):
            found |= _types(choice, definitions)
    return found
