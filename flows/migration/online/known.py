"""What the statements before the one at hand have made."""

from collections.abc import Iterable
from dataclasses import dataclass

from flows.migration.online.steps import Made, OnlineStep


@dataclass(frozen=True)
class Claim:
    """Whether a change of some things can be undone, because they go altogether.

    Attributes:
        owns: as in `OnlineStep`.
    """

    is_undoable: bool = True
    owns: tuple[str, ...] = ()

    def __and__(self, other: "Claim") -> "Claim":
        return Claim(
            self.is_undoable and other.is_undoable,
            tuple(dict.fromkeys([*self.owns, *other.owns])),
        )


class Known:
    """Names of things that are this script's own.

    Attributes:
        domains: a column of such a type is written into every row.
    """

    def __init__(self) -> None:
        self._made: dict[str, bool] = {}
        self.domains: set[str] = set()

    def add(self, steps: Iterable[OnlineStep]) -> None:
        for made in (made for step in steps for made in step.makes):
            if not made.is_old:
                must_be_new = made.must_be_new or self._made.get(made.name, False)
                self._made[made.name] = must_be_new

    def forget(self, names: Iterable[str]) -> None:
        """These names mean nothing any more, or something that was there before."""
        for name in names:
            for made in list(self._made):
                if made == name or made.startswith(f"{name}."):
                    del self._made[made]

    def claim(self, names: Iterable[str]) -> Claim:
        """Whether all of them, or what they are a part of, are the script's own."""
        owners = [self._owner(name) for name in names]
        made = [owner for owner in owners if owner is not None]
        uncertain = (owner for owner in made if not self._made[owner])
        return Claim(
            bool(owners) and len(made) == len(owners), tuple(dict.fromkeys(uncertain))
        )

    def is_new(self, name: str) -> bool:
        """Whether nobody can have used it before: it must not have been there."""
        return self._made.get(name, False)

    def clashing(self, makes: Iterable[Made]) -> str | None:
        """The first of these names that must be new and is taken by the script."""
        names = [made.name for made in makes if made.must_be_new]
        taken = (
            name
            for place, name in enumerate(names)
            if self.is_new(name) or name in names[:place]
        )
        return next(taken, None)

    def has_trigger(self, table: str) -> bool:
        """Whether the script has made one, which may change more than is asked for."""
        return any(
            made.startswith(f"{table}.") and made.endswith("(trigger)")
            for made in self._made
        )

    def _owner(self, name: str) -> str | None:
        while name and name not in self._made:
            name = name.rpartition(".")[0]
        return name or None
