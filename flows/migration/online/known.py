"""What the statements before the one at hand have made."""

from collections.abc import Iterable

from flows.migration.online.steps import Made, OnlineStep


class Known:
    """Names of things that are this script's own."""

    def __init__(self) -> None:
        self._new: set[str] = set()
        self._made: set[str] = set()

    def add(self, steps: Iterable[OnlineStep]) -> None:
        for step in steps:
            self._made |= {made.name for made in step.makes}
            self._new |= {made.name for made in step.makes if made.must_be_new}

    def is_made(self, name: str) -> bool:
        """Whether it, or the table that it is a part of, is the script's own."""
        return name in self._made or name.rpartition(".")[0] in self._made

    def is_new(self, name: str) -> bool:
        """Whether nobody can have used it before: it must not have been there."""
        return name in self._new

    def clashing(self, makes: Iterable[Made]) -> str | None:
        """The first of these names that must be new and is taken by the script."""
        return next(
            (
                made.name
                for made in makes
                if made.must_be_new and self.is_new(made.name)
            ),
            None,
        )
