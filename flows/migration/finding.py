"""A finding: one preflight result, with what it means and what to do."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Level(StrEnum):
    """How much a finding weighs."""

    OK = "ok"
    INFO = "info"
    WARNING = "warning"
    BLOCK = "block"


class Finding(BaseModel):
    """One preflight result.

    Attributes:
        rule: kebab-case name of what was looked at, e.g. ``long-transaction``.
        message: what was found, and what it means for this migration.
        help: what to do about it.
    """

    model_config = ConfigDict(frozen=True)

    level: Level
    rule: str
    message: str
    help: str = ""


def is_of_wrong_place(findings: list[Finding]) -> bool:
    """Whether the server that answered is none that was meant."""
    return any(
        finding.rule in ("server-version", "wrong-database", "standby")
        for finding in findings
        if finding.level is Level.BLOCK
    )
