"""What is known of a script's end result while its statements are read in order.

Whatever cannot be followed is forgotten: a missing expectation is a check less, a
wrong one stops a good migration.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from flows.migration.expectation import (
    ColumnExpectation,
    Expectations,
    ForeignKeyExpectation,
    FunctionExpectation,
    IndexExpectation,
    ObjectExpectation,
)
from flows.migration.names import Signature, may_be_same, may_be_same_function

PUBLIC = "PUBLIC"


@dataclass
class Function:
    """A function that the script makes.

    Attributes:
        granted: who may execute it besides the owner; None when not known.
        is_public_settled: whether the script says what PUBLIC may. Until then that
            depends on default privileges and on an older definition's grants.
    """

    expectation: FunctionExpectation
    granted: set[str] | None = field(default_factory=lambda: {PUBLIC})
    is_public_settled: bool = False

    def change(self, **values: object) -> None:
        self.expectation = self.expectation.model_copy(update=values)

    def finished(self) -> FunctionExpectation:
        if self.granted is None or not self.is_public_settled:
            return self.expectation
        roles = sorted(self.granted - {self.expectation.owner or ""})
        return self.expectation.model_copy(update={"execute": tuple(roles)})


@dataclass
class ForeignKey:
    """A foreign key that the script makes.

    Attributes:
        name: the constraint's; empty where the server chooses it.
    """

    expectation: ForeignKeyExpectation
    name: str
    is_validated: bool


@dataclass
class Foreseen:
    """The end result so far."""

    columns: dict[tuple[str, str], ColumnExpectation] = field(default_factory=dict)
    indexes: dict[str, IndexExpectation] = field(default_factory=dict)
    foreign_keys: list[ForeignKey] = field(default_factory=list)
    functions: dict[Signature, Function] = field(default_factory=dict)
    objects: list[ObjectExpectation] = field(default_factory=list)
    temporary: set[str] = field(default_factory=set)

    def expectations(self) -> Expectations:
        return Expectations(
            columns=tuple(self.columns.values()),
            indexes=tuple(self.indexes.values()),
            foreign_keys=tuple(self._unique_foreign_keys()),
            functions=tuple(known.finished() for known in self.functions.values()),
            objects=tuple(self.objects),
        )

    def _unique_foreign_keys(self) -> Iterator[ForeignKeyExpectation]:
        """Two keys over the same columns are not "exactly one": neither is promised."""
        keys = [key.expectation for key in self.foreign_keys if key.is_validated]
        identities = [(key.table, key.columns) for key in keys]
        for key, identity in zip(keys, identities, strict=True):
            if identities.count(identity) == 1:
                yield key

    def put(self, expectation: ObjectExpectation) -> None:
        """The last word about an object, however it was spelled before."""

        def is_same(known: ObjectExpectation) -> bool:
            if known.kind != expectation.kind:
                return False
            if known.table is None or expectation.table is None:
                return may_be_same(known.name, expectation.name)
            is_same_table = may_be_same(known.table, expectation.table)
            return is_same_table and known.name == expectation.name

        self._forget_objects(is_same)
        self.objects.append(expectation)

    def functions_named(self, signature: Signature) -> list[Function]:
        """The functions that a statement is about; those it may be about are lost."""
        for known in list(self.functions):
            is_named = known.name == signature.name
            has_types = signature.types is None or signature.types == known.types
            if may_be_same_function(known, signature) and not (is_named and has_types):
                del self.functions[known]
        return [
            function
            for known, function in self.functions.items()
            if may_be_same_function(known, signature)
        ]

    def forget_other_spellings(self, name: str) -> None:
        """Forget a relation that may be this one, spelled with or without schema."""
        spellings = {table for table, _ in self.columns}
        spellings.update(index.table for index in self.indexes.values())
        spellings.update(key.expectation.table for key in self.foreign_keys)
        for spelling in spellings - {name}:
            if may_be_same(spelling, name):
                self.forget_relation(spelling)

    def only_that_column_exists(self, table: str, column: str) -> None:
        """Keep that a derived column is there, and no more of it."""
        if self.columns.pop((table, column), None):
            self.put(ObjectExpectation(kind="column", name=column, table=table))

    def forget_all(self) -> None:
        """After a statement that may have changed anything."""
        for known in (self.columns, self.indexes, self.functions):
            known.clear()
        for listed in (self.foreign_keys, self.objects):
            listed.clear()

    def forget_present(self) -> None:
        """After a CASCADE: what was dropped stays so, the rest may be gone."""
        gone = [known for known in self.objects if not known.present]
        self.forget_all()
        self.objects.extend(gone)

    def forget_relation(self, name: str) -> None:
        """Forget whatever has this name, and all that belongs to it."""
        self.forget_dependents(name)
        self._forget_columns(lambda table, _: may_be_same(table, name))
        self._forget_objects(lambda known: may_be_same(known.table or known.name, name))
        for index in [i for i in self.indexes if may_be_same(i, name)]:
            del self.indexes[index]

    def forget_dependents(self, table: str) -> None:
        """Forget a table's indexes and constraints, and keys that refer to it."""
        for name, index in list(self.indexes.items()):
            if may_be_same(index.table, table):
                del self.indexes[name]
        self.foreign_keys = [
            key
            for key in self.foreign_keys
            if not may_be_same(key.expectation.table, table)
            and not may_be_same(key.expectation.references, table)
        ]
        self._forget_objects(
            lambda known: (
                known.kind == "constraint" and may_be_same(known.table or "", table)
            )
        )

    def forget_column(self, table: str, column: str) -> None:
        self._forget_columns(
            lambda known, name: may_be_same(known, table) and name == column
        )
        self._forget_objects(
            lambda known: (
                known.kind == "column"
                and known.name == column
                and may_be_same(known.table or "", table)
            )
        )

    def forget_function(self, function: Signature) -> None:
        """Forget every function that the name may mean."""
        for known in [f for f in self.functions if may_be_same_function(f, function)]:
            del self.functions[known]
        self._forget_objects(
            lambda known: (
                known.kind == "function"
                and may_be_same(known.name.partition("(")[0], function.name)
            )
        )

    def forget_gone(self, is_in_doubt: Callable[[str], bool]) -> None:
        """Forget that objects are gone whose names are in doubt."""
        self._forget_objects(
            lambda known: not known.present and is_in_doubt(known.name)
        )

    def has_table(self, name: str) -> bool:
        return ObjectExpectation(kind="table", name=name) in self.objects

    def _forget_columns(self, matches: Callable[[str, str], bool]) -> None:
        self.columns = {
            key: column for key, column in self.columns.items() if not matches(*key)
        }

    def _forget_objects(self, matches: Callable[[ObjectExpectation], bool]) -> None:
        self.objects = [known for known in self.objects if not matches(known)]

    def is_temporary(self, table: str) -> bool:
        return table in self.temporary or table.startswith("pg_temp.")
