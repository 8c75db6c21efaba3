"""What the application's role may do with what a migration names: before, and now."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from flows.migration.expectation import Expectations

BY_COLUMN = ("SELECT", "INSERT", "UPDATE")
"""Rights that are also granted column by column."""


class _Rights(BaseModel):
    model_config = ConfigDict(frozen=True)


class RelationRights(_Rights):
    """A table, view or sequence.

    Attributes:
        name: as up.sql writes it.
        is_partition: what is read through its parent needs no right of its own.
        schema_name: as SQL writes it.
        may_enter: whether the role may use that schema.
        whole: rights on all of it.
        columns: rights on each column, those on the whole table included.
        closed_sequences: they make defaults here, and the role may not use them
            although it may insert.
    """

    oid: int
    name: str
    kind: Literal["table", "view", "sequence"]
    is_partition: bool
    schema_name: str
    may_enter: bool
    whole: tuple[str, ...]
    columns: dict[str, tuple[str, ...]]
    closed_sequences: tuple[str, ...]

    @property
    def is_usable(self) -> bool:
        """Whether the role may do anything with it."""
        return bool(self.whole) or any(self.columns.values())


class RoutineRights(_Rights):
    """A function or procedure.

    Attributes:
        signature: qualified, with input types.
        is_trigger: it is not called, so nobody needs a right to.
        may_execute: whether the role may, by itself or as anybody (PUBLIC) may.
        is_granted: to the role, or to one that it is in, and not to PUBLIC only.
        is_for_others: somebody else than the owner may execute it.
        is_made: one that up.sql makes, as far as its text tells.
    """

    oid: int
    signature: str
    kind: Literal["FUNCTION", "PROCEDURE"]
    is_trigger: bool
    schema_name: str
    may_enter: bool
    may_execute: bool
    is_granted: bool
    is_for_others: bool
    is_made: bool

    @property
    def bare_name(self) -> str:
        """Without the types: those may have changed."""
        return self.signature.partition("(")[0]


class SchemaRights(_Rights):
    """A schema that up.sql makes."""

    name: str
    may_enter: bool


class Rights(_Rights):
    """Of one role, at one moment."""

    role: str
    relations: tuple[RelationRights, ...] = ()
    routines: tuple[RoutineRights, ...] = ()
    schemas: tuple[SchemaRights, ...] = ()


def columns_made(expectations: Expectations) -> frozenset[tuple[str, str]]:
    """Pairs of table and column, of those that up.sql's text tells."""
    return frozenset((item.table, item.name) for item in expectations.columns)


def without_what_it_makes(now: Rights, expectations: Expectations) -> Rights:
    """What is there now, but for what a migration makes.

    In place of what was there before it, where nobody had noted that.
    """
    made = {item.name for item in expectations.objects if item.present}
    columns = columns_made(expectations)
    relations = tuple(
        relation.model_copy(
            update={
                "columns": {
                    name: rights
                    for name, rights in relation.columns.items()
                    if (relation.name, name) not in columns
                }
            }
        )
        for relation in now.relations
        if relation.name not in made
    )
    return Rights(
        role=now.role,
        relations=relations,
        routines=tuple(one for one in now.routines if not one.is_made),
        schemas=tuple(one for one in now.schemas if one.name not in made),
    )
