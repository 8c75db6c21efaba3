"""What a migration builds: there after it, and not there before."""

from flows.migration.derive import derive
from flows.migration.expectation import (
    ColumnExpectation,
    Expectation,
    Expectations,
    ForeignKeyExpectation,
    FunctionExpectation,
    IndexExpectation,
    ObjectExpectation,
)
from flows.migration.folder import Migration

_IDENTITY: dict[type[Expectation], tuple[str, ...]] = {
    ColumnExpectation: ("table", "name"),
    IndexExpectation: ("name",),
    ForeignKeyExpectation: ("table", "columns"),
    FunctionExpectation: ("signature",),
    ObjectExpectation: ("kind", "table", "name"),
}


def built_by(migration: Migration) -> Expectations:
    """The migration's expectations of the objects that it makes.

    What down.sql puts back was there before, so up.sql is meant to change it; what is
    only declared may have been there as well. Comments are left out: COMMENT ON
    replaces whatever is there.
    """
    built = _identities(derive(migration.up))
    if migration.down:
        built -= _identities(derive(migration.down))
    expectations = migration.expectations
    return expectations.model_copy(
        update={
            kind: tuple(
                _without_comment(item)
                for item in getattr(expectations, kind)
                if _identity(item) in built
            )
            for kind in ("columns", "indexes", "foreign_keys", "functions", "objects")
        }
        | {"definers": ()}
    )


def _identities(expectations: Expectations) -> set[tuple[object, ...]]:
    return {
        _identity(item)
        for item in (
            *expectations.columns,
            *expectations.indexes,
            *expectations.foreign_keys,
            *expectations.functions,
            *(item for item in expectations.objects if item.present),
        )
    }


def _identity(item: Expectation) -> tuple[object, ...]:
    kind = type(item)
    return (kind, *(getattr(item, field) for field in _IDENTITY[kind]))


def _without_comment(item: Expectation) -> Expectation:
    has_comment = "comment" in type(item).model_fields
    return item.model_copy(update={"comment": None}) if has_comment else item
