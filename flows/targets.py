"""From a name to a target: the environment, or a block on the Prefect server.

A run resolves its target once, and keeps it to its end: when it must be rolled back
Prefect may be away, and nobody may change in mid-flight where it goes.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from flows.migration.parameters import BlockReference
from flows.migration.target import (
    Target,
    assert_is_name,
    named_in_environment,
    target_in_environment,
)

Choice = str | BlockReference | None


def find_target(choice: Choice, environment: Mapping[str, str]) -> Target:
    """The target of a choice.

    Args:
        choice: a name, a block, or None for PGFLIGHT_TARGET, and without that for
            DATABASE_URL.

    Raises:
        TargetError: it is not to be had, or something in it is wrong.
    """
    if choice is None:
        choice = environment.get("PGFLIGHT_TARGET", "").strip() or None
    if not isinstance(choice, BlockReference):
        if choice is not None:
            assert_is_name(choice)
        found = target_in_environment(environment, choice)
        if found:
            return found
    assert choice is not None
    # Prefect takes two seconds to import.
    from flows.target_block import load_target

    return load_target(choice, named_in_environment(environment))


class Aim:
    """Where a run goes: chosen when it begins, found at the first step that asks."""

    def __init__(self, choice: Choice) -> None:
        self._choice = choice
        self._found: Target | None = None

    @property
    def name(self) -> str:
        """The target's name, also of one that is not to be had."""
        if self._found:
            return self._found.name
        return self._choice if isinstance(self._choice, str) else ""

    def target(self) -> Target:
        """The target.

        Raises:
            TargetError: what `find_target` says.
        """
        if self._found is None:
            self._found = find_target(self._choice, os.environ)
        return self._found


_AIM: ContextVar[Aim] = ContextVar("pgflight_aim")


@contextmanager
def aiming(choice: Choice) -> Iterator[None]:
    """Everything in this block goes to this target.

    A flow inside of another goes where the outer one does.
    """
    if _AIM.get(None):
        yield
        return
    token = _AIM.set(Aim(choice))
    try:
        yield
    finally:
        _AIM.reset(token)


def aimed_at() -> Target:
    """The target of the block that this is called in.

    Raises:
        TargetError: it is not to be had.
    """
    return _AIM.get(Aim(None)).target()


def name_aimed_at() -> str:
    """The name of the target of this block; empty for the environment's own."""
    return _AIM.get(Aim(None)).name


def aim_name() -> str | None:
    """Its name for a flow inside of this one; None for the environment's own."""
    return aimed_at().name or None
