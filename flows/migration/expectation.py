"""What a migration promises to leave behind, in the database's own terms.

Expectations are declared in migration.toml or derived from up.sql. Names are
written as SQL writes them (``platform.users``, quoted where needed), so that
the server resolves them itself.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Action = Literal["NO ACTION", "RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT"]
Volatility = Literal["IMMUTABLE", "STABLE", "VOLATILE"]


class Expectation(BaseModel):
    """Base of all expectations: immutable, and strict about unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ColumnExpectation(Expectation):
    """A column, with its type as SQL writes it (``character varying(20)``)."""

    table: str
    name: str
    type: str
    nullable: bool = True
    comment: str | None = None


class IndexExpectation(Expectation):
    """An index that is valid and ready.

    Attributes:
        columns: column names or expressions, in order.
        predicate: the WHERE of a partial index; None for a full one.
    """

    name: str
    table: str
    columns: tuple[str, ...]
    unique: bool = False
    method: str = "btree"
    predicate: str | None = None


class ForeignKeyExpectation(Expectation):
    """A validated foreign key: exactly one over these columns.

    Attributes:
        referenced_columns: empty means the referenced table's primary key.
    """

    table: str
    columns: tuple[str, ...]
    references: str
    referenced_columns: tuple[str, ...] = ()
    on_delete: Action = "NO ACTION"
    on_update: Action = "NO ACTION"


class FunctionExpectation(Expectation):
    """A function or procedure.

    Attributes:
        signature: ``schema.name(type, type)``, input types only.
        returns: result type as SQL writes it; None is not checked.
        search_path: the pinned search_path (``pg_catalog, pg_temp``); None means
            that none is pinned.
        owner: role; None is not checked.
        execute: roles that may execute it besides the owner; ``PUBLIC`` counts as
            one; None is not checked.
        body: source text between the dollar quotes; None is not checked.
    """

    signature: str
    returns: str | None = None
    volatility: Volatility = "VOLATILE"
    security_definer: bool = False
    search_path: str | None = None
    owner: str | None = None
    execute: tuple[str, ...] | None = None
    body: str | None = None
    comment: str | None = None


class ObjectExpectation(Expectation):
    """Any other object that must be there, or must be gone."""

    kind: Literal[
        "table", "view", "sequence", "index", "column", "function", "type",
        "schema", "trigger", "policy", "row level security", "constraint",
    ]  # fmt: skip
    name: str
    table: str | None = None
    present: bool = True


class DefinerExpectation(Expectation):
    """A SECURITY DEFINER function whose owner must not be a superuser."""

    signature: str


class Backfill(Expectation):
    """Which rows a migration must fill, and with what.

    Attributes:
        key: column of ``table`` that ``valid`` names first.
        valid: a SELECT of two columns: the key of each row that must be filled,
            and a value that is right for it (several rows for several right
            values). It must not read ``table``: that is locked meanwhile.
    """

    table: str
    column: str
    key: str = "id"
    valid: str


class Expectations(BaseModel):
    """Everything that one migration promises to leave behind."""

    model_config = ConfigDict(frozen=True)

    columns: tuple[ColumnExpectation, ...] = ()
    indexes: tuple[IndexExpectation, ...] = ()
    foreign_keys: tuple[ForeignKeyExpectation, ...] = ()
    functions: tuple[FunctionExpectation, ...] = ()
    objects: tuple[ObjectExpectation, ...] = ()
    definers: tuple[DefinerExpectation, ...] = ()
    backfill: Backfill | None = Field(default=None)
