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
    """The end result so far. Objects are keyed by kind, name and table."""

    columns: dict[tuple[str, str], ColumnExpectation] = field(default_factory=dict)
    indexes: dict[str, IndexExpectation] = field(default_factory=dict)
    foreign_keys: list[ForeignKey] = field(default_factory=list)
    functions: dict[Signature, Function] = field(default_factory=dict)
    objects: dict[tuple[str, str, str | None], ObjectExpectation] = field(
        default_factory=dict
    )
    temporary: set[str] = field(default_factory=set)

    def expectations(self) -> Expectations:
        return Expectations(
            columns=tuple(self.columns.values()),
            indexes=tuple(self.indexes.values()),
            foreign_keys=tuple(self._unique_foreign_keys()),
            functions=tuple(known.finished() for known in self.functions.values()),
            objects=tuple(self.objects.values()),
        )

    def _unique_foreign_keys(self) -> Iterator[ForeignKeyExpectation]:
        """Two keys over the same columns are not "exactly one": neither is promised."""
        keys = [key.expectation for key in self.foreign_keys if key.is_validated]
        identities = [(key.table, key.columns) for key in keys]
        for key, identity in zip(keys, identities, strict=True):
            if identities.count(identity) == 1:
                yield key

    def put(self, expectation: ObjectExpectation) -> None:
        """The last word about an object; a relation's name has room for one kind."""
        key = (expectation.kind, expectation.name, expectation.table)
        self.objects.pop(key, None)
        self.objects[key] = expectation

    def only_that_column_exists(self, table: str, column: str) -> None:
        """Keep that a derived column is there, and no more of it."""
        if self.columns.pop((table, column), None):
            self.put(ObjectExpectation(kind="column", name=column, table=table))

    def forget_all(self) -> None:
        """After a statement that may have changed anything."""
        for known in (self.columns, self.indexes, self.functions, self.objects):
            known.clear()
        self.foreign_keys.clear()

    def forget_present(self) -> None:
        """After a CASCADE: what was dropped stays so, the rest may be gone."""
        gone = [known for known in self.objects.values() if not known.present]
        self.forget_all()
        for expectation in gone:
            self.put(expectation)

    def forget_relation(self, name: str) -> None:
        """Forget whatever has this name, and all that belongs to it."""
        self.forget_dependents(name)
        self._forget_columns(lambda table, _: may_be_same(table, name))
        self._forget_objects(
            lambda known: may_be_same(known.table or known.name, name)
        )
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

    def _forget_columns(self, matches: Callable[[str, str], bool]) -> None:
        self.columns = {
            key: column for key, column in self.columns.items() if not matches(*key)
        }

    def _forget_objects(self, matches: Callable[[ObjectExpectation], bool]) -> None:
        self.objects = {
            key: known for key, known in self.objects.items() if not matches(known)
        }

    def is_temporary(self, table: str) -> bool:
        return table in self.temporary or table.startswith("pg_temp.")
