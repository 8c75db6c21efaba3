"""``${NAME}`` in a model's strings, replaced by the target's values.

``$${`` stands for a plain ``${``. Keys of tables are never replaced, and a value
is never looked into again. The values may be secret: no error holds one.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from flows.migration.errors import MigrationError, TargetError

_VARIABLE = re.compile(r"\$\$\{|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}|\$\{")
_ESCAPED = "$${"

Location = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)


def missing_variables(
    model: BaseModel, values: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Find the variables that have no value, in the order of the model.

    Returns:
        Pairs of key (``smoke.probes[2].json.org_id``) and variable name.

    Raises:
        MigrationError: a ``${`` begins no variable; one line for each such key.
    """
    found = list(_variables(_dump(model)))
    malformed = [key for key, name in found if name is None]
    if malformed:
        raise MigrationError(
            "\n".join(f"{key}: ${{ begins no variable" for key in malformed),
            "Write ${NAME}, of letters, digits and _; write $${ for a plain ${.",
        )
    return list(dict.fromkeys((k, n) for k, n in found if n and n not in values))


def expand(model: Model, values: Mapping[str, str]) -> Model:
    """Replace every variable, and validate the model again.

    Raises:
        MigrationError: a ``${`` begins no variable.
        TargetError: a variable has no value, or a value does not fit its key.
    """
    missing = missing_variables(model, values)
    if missing:
        names = ", ".join(sorted({name for _, name in missing}))
        raise TargetError(
            "\n".join(f"{key}: ${{{name}}} has no value" for key, name in missing),
            f"Give the target a value for {names}.",
        )
    replaced = _replace(_dump(model), lambda match: _value(match, values))
    try:
        return type(model).model_validate(replaced)
    except ValidationError as error:
        # Pydantic's own message may hold the value; its type never does. A tuple
        # with a misfit in it is called too short as well: no length has changed.
        misfits = [
            (key_path(problem["loc"]), problem["type"].replace("_", " "))
            for problem in error.errors()
            if problem["type"] != "too_short"
        ]
    # Outside the handler, so that no context carries the value along.
    raise TargetError(
        "\n".join(
            f"{key}: the target's value does not fit here ({kind})"
            for key, kind in misfits
        ),
        "Correct the values of the variables in the keys named above.",
    )


def key_path(location: Location) -> str:
    """Write ('smoke', 'probes', 0, 'path') as smoke.probes[0].path."""
    parts = (f"[{p}]" if isinstance(p, int) else f".{p}" for p in location)
    return "".join(parts).lstrip(".")


def _dump(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(by_alias=True)


def _variables(value: Any, at: Location = ()) -> Iterator[tuple[str, str | None]]:
    """Yield (key, name) of each variable; the name is None where it has none."""
    if isinstance(value, str):
        for match in _VARIABLE.finditer(value):
            if match[0] != _ESCAPED:
                yield key_path(at), match["name"]
        return
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list | tuple):
        items = enumerate(value)
    for key, item in items:
        yield from _variables(item, (*at, key))


def _replace(value: Any, replacement: Callable[[re.Match[str]], str]) -> Any:
    if isinstance(value, str):
        return _VARIABLE.sub(replacement, value)
    if isinstance(value, dict):
        return {key: _replace(item, replacement) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_replace(item, replacement) for item in value]
    return value


def _value(match: re.Match[str], values: Mapping[str, str]) -> str:
    return "${" if match[0] == _ESCAPED else values[match["name"]]
