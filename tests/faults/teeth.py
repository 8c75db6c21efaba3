"""The guards of the product, each of which can be switched off in a pilot of ours."""

from collections.abc import Callable

_GUARDS: dict[str, Callable[[], None]] = {}


def switch_off(guard: str) -> None:
    """Fly without it from here on: in this process only."""
    _GUARDS[guard]()
