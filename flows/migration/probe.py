"""A probe: one HTTP call to the application, and what was made of its answer."""

from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Cell(BaseModel):
    """One value in one row of the database.

    Attributes:
        where: column and value that name exactly one row.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    table: str
    column: str
    where: dict[str, str] = Field(min_length=1)


class ReadBack(Cell):
    """A cell that must hold this value once the probe has passed."""

    equals: str | None


class Answer(BaseModel):
    """The answer that a probe must get.

    Attributes:
        status: HTTP status.
        json_: values that the JSON body must contain, compared key by key;
            None where the body does not matter.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    status: int = Field(default=200, ge=100, le=599)
    json_: dict[str, Any] | None = Field(default=None, alias="json")


class Probe(BaseModel):
    """One HTTP call and the answer that it must get.

    ``${NAME}`` in any string is replaced by the target's value of that name.

    Attributes:
        needs_migration: the call works only once the migration is there, so it
            has no baseline.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    name: str
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"] = "GET"
    path: str = Field(pattern="^/")
    headers: dict[str, str] = {}
    json_: Any = Field(default=None, alias="json")
    expect: Answer = Answer()
    needs_migration: bool = False
    read_back: ReadBack | None = None


class Smoke(BaseModel):
    """The smoke test of a migration.

    Attributes:
        passes: consecutive right answers that each probe must get.
        timeout_ms: limit for one call.
        deadline_ms: limit for one probe with all its calls.
        leave_as_found: cells that the probes change; put back afterwards.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str = "${PGFLIGHT_ENDPOINT}"
    passes: int = Field(default=10, ge=1, le=1000)
    timeout_ms: int = Field(default=2000, ge=1, le=60_000)
    deadline_ms: int = Field(default=30_000, ge=1, le=600_000)
    probes: tuple[Probe, ...] = Field(min_length=1)
    leave_as_found: tuple[Cell, ...] = ()


class Verdict(StrEnum):
    """What a probe shows."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


class ProbeResult(BaseModel):
    """What became of one probe.

    Attributes:
        passes: right answers in a row at the end.
        attempts: calls made.
        slowest_ms: slowest answered call; None if none was answered.
        detail: why it did not pass, without the body that was received.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    verdict: Verdict
    passes: int = 0
    attempts: int = 0
    slowest_ms: float | None = None
    detail: str = ""
