"""migration.toml: what a migration's author declares about it."""

import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from flows.migration.allowance import Allowance
from flows.migration.errors import MigrationError
from flows.migration.expectation import (
    Backfill,
    ColumnExpectation,
    ForeignKeyExpectation,
    FunctionExpectation,
    IndexExpectation,
)
from flows.migration.probe import Smoke
from flows.migration.source import bytes_of
from flows.migration.variables import key_path

DEFAULT_BUDGET_MS = 2_000
LEAST_BUDGET_MS, MOST_BUDGET_MS = 100, 600_000
MOST_NESTED = 50
"""Far below what would exhaust the stack of whoever walks through it."""
BudgetMs = Annotated[int, Field(ge=LEAST_BUDGET_MS, le=MOST_BUDGET_MS)]


class Hold(BaseModel):
    """A reason why a migration must not be deployed yet, and who can lift it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: str = Field(min_length=1)
    owner: str = Field(min_length=1)


class Manifest(BaseModel):
    """The contents of migration.toml; every key is optional.

    Attributes:
        requires: versions that must be applied before this one.
        conflicts: versions that must not be applied when this one is deployed.
        budget_ms: longest wait of the application that the migration may cause.
        allow: what it may do although that deletes, or opens something to others.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = ""
    requires: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    hold: Hold | None = None
    budget_ms: BudgetMs = DEFAULT_BUDGET_MS
    allow: tuple[Allowance, ...] = ()
    columns: tuple[ColumnExpectation, ...] = ()
    indexes: tuple[IndexExpectation, ...] = ()
    foreign_keys: tuple[ForeignKeyExpectation, ...] = ()
    functions: tuple[FunctionExpectation, ...] = ()
    backfill: Backfill | None = None
    smoke: Smoke | None = None


def read_manifest(path: Path) -> Manifest:
    """Read and validate one migration.toml.

    Raises:
        MigrationError: with one line for each thing that is wrong.
    """
    try:
        values = tomllib.loads(bytes_of(path).decode())
    except UnicodeDecodeError as error:
        raise MigrationError(
            f"{path}: not UTF-8 (byte {error.start})", "Save the file as UTF-8."
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise MigrationError(
            f"{path}: {error}", "This is not valid TOML; see https://toml.io."
        ) from None
    except RecursionError:
        raise _too_deep(path) from None
    except ValueError:
        # Python's own limit on the digits of an integer; tomllib lets it through.
        raise MigrationError(
            f"{path}: a number of too many digits", "Correct it."
        ) from None
    if _depth(values) > MOST_NESTED:
        raise _too_deep(path)
    return _validated(path, values)


def _validated(path: Path, values: dict[str, Any]) -> Manifest:
    try:
        return Manifest.model_validate(values)
    except ValidationError as error:
        problems = "\n".join(
            f"{path}: {key_path(problem['loc']) or '(file)'}: {problem['msg']}"
            for problem in error.errors()
        )
        raise MigrationError(problems, "Correct the keys named above.") from None


def _too_deep(path: Path) -> MigrationError:
    return MigrationError(f"{path}: nested too deeply", "Write it flatter.")


def _depth(values: object) -> int:
    """How deep tables and arrays are nested, without recursion of its own."""
    depth, level = 0, [values]
    while level:
        depth += 1
        level = [
            child
            for value in level
            if isinstance(value, dict | list)
            for child in (value.values() if isinstance(value, dict) else value)
        ]
    return depth
