"""A target's identity, held against the one that an earlier deployment pinned."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Pin:
    """What was pinned, and where that is known from.

    Attributes:
        identity: ``name@system_identifier``. Whoever promotes a standby keeps it; a
            restored dump, or CREATE DATABASE … TEMPLATE, has another one.
        source: for a person, e.g. ``the ledger, since 2026-11-26``.
    """

    identity: str
    source: str


def is_elsewhere(pin: Pin, actual: str, expected: str) -> bool:
    """Whether a server is not the pinned one, and nobody has said that it is meant.

    Args:
        actual: ``name@system_identifier`` of the server that answers.
        expected: PGFLIGHT_EXPECTED_DATABASE. A bare name says nothing about the
            server, so only the full form overrules a pin.
    """
    return actual not in (pin.identity, expected)


def complaint(pin: Pin, actual: str) -> tuple[str, str]:
    """Message and help for a server that is not the pinned one."""
    return (
        f"The URL leads to {actual}, and not to {pin.identity}, where earlier"
        f" deployments went ({pin.source}): it may be a copy, or the wrong URL",
        "Correct DATABASE_URL. If this is the database from now on, say so:"
        f" PGFLIGHT_EXPECTED_DATABASE={actual} (the next accepted deployment pins it).",
    )
