"""Expectations as declared in migration.toml, laid over those derived from up.sql."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from flows.migration.expectation import (
    ColumnExpectation,
    DefinerExpectation,
    Expectation,
    Expectations,
    ForeignKeyExpectation,
    FunctionExpectation,
    IndexExpectation,
)
from flows.migration.manifest import Manifest
from flows.migration.names import canonical_name, canonical_signature, may_be_same

Kind = TypeVar("Kind", bound=Expectation)


def lay_over(derived: Expectations, manifest: Manifest) -> Expectations:
    """What is declared wins, field by field; what is not declared stays as derived."""
    return Expectations(
        columns=_merged(derived.columns, manifest.columns, _same_column),
        indexes=_merged(derived.indexes, manifest.indexes, _same_index),
        foreign_keys=_merged(
            derived.foreign_keys, manifest.foreign_keys, _same_foreign_key
        ),
        functions=_merged(derived.functions, manifest.functions, _same_function),
        objects=derived.objects,
        definers=_unallowed(derived.definers, manifest),
        backfill=manifest.backfill,
    )


def _unallowed(
    definers: Iterable[DefinerExpectation], manifest: Manifest
) -> tuple[DefinerExpectation, ...]:
    allowed = {allowance.key for allowance in manifest.allow}
    return tuple(
        definer
        for definer in definers
        if ("superuser-definer", definer.signature) not in allowed
    )


# They name the object. Derived names are kept: they are qualified as up.sql has them.
_IDENTITY = {"name", "table", "signature"}


def _merged(
    derived: Iterable[Kind],
    declared: Iterable[Kind],
    is_same: Callable[[Kind, Kind], bool],
) -> tuple[Kind, ...]:
    merged = list(derived)
    for wanted in declared:
        for place, known in enumerate(merged):
            if is_same(known, wanted):
                merged[place] = _overlaid(known, wanted)
                break
        else:
            merged.append(wanted)
    return tuple(merged)


def _overlaid(known: Kind, wanted: Kind) -> Kind:
    fields = wanted.model_fields_set - _IDENTITY
    return known.model_copy(update={name: getattr(wanted, name) for name in fields})


def _same_table(left: str, right: str) -> bool:
    return may_be_same(canonical_name(left), canonical_name(right))


def _same_column(left: ColumnExpectation, right: ColumnExpectation) -> bool:
    return left.name == right.name and _same_table(left.table, right.table)


def _same_index(left: IndexExpectation, right: IndexExpectation) -> bool:
    return _same_table(left.name, right.name)


def _same_foreign_key(
    left: ForeignKeyExpectation, right: ForeignKeyExpectation
) -> bool:
    return left.columns == right.columns and _same_table(left.table, right.table)


def _same_function(left: FunctionExpectation, right: FunctionExpectation) -> bool:
    return left.signature == canonical_signature(right.signature)
