"""A probe: one HTTP call to the application, and what was made of its answer."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator

# RFC 9110, 5.1 and 5.5: a field name is a token, a field value is visible ASCII
# with blanks inside only. A token read from a file often ends in a line break.
HeaderName = Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]
HeaderValue = Annotated[str, Field(pattern=r"^([!-~]([\t -~]*[!-~])?)?$")]


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

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False
    )

    status: int = Field(default=200, ge=100, le=599)
    json_: dict[str, JsonValue] | None = Field(default=None, alias="json")


class Probe(BaseModel):
    """One HTTP call and the answer that it must get.

    ``${NAME}`` in any string is replaced by the target's value of that name.

    Attributes:
        needs_migration: the call works only once the migration is there, so it
            has no baseline.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False
    )

    name: str
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"] = "GET"
    path: str = Field(pattern=r"^/[^\x00-\x20\x7f]*$")
    headers: dict[HeaderName, HeaderValue] = {}
    json_: JsonValue = Field(default=None, alias="json")
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

    @field_validator("probes")
    @classmethod
    def _names_are_unique(cls, probes: tuple[Probe, ...]) -> tuple[Probe, ...]:
        # A probe finds its baseline by its name.
        if len({probe.name for probe in probes}) < len(probes):
            raise ValueError("each probe needs a name of its own")
        return probes


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


def judge(results: Sequence[ProbeResult], baseline: Sequence[ProbeResult]) -> Verdict:
    """Judge the probes after the migration against the same ones before it.

    Each probe, by its result now and its baseline of the same name:

    ============  ==========  ==========  ============  ==============
    now           pass        fail        inconclusive  no baseline
    ============  ==========  ==========  ============  ==============
    pass          good        good        good          good
    fail          bad         open        open          bad if it is up
    inconclusive  open        open        open          open
    ============  ==========  ==========  ============  ==============

    *It is up* when a probe that has a baseline passes now: then a wrong answer to
    a call that the migration is there for is the migration's. Without one, the
    application may be down, or not the one that was meant.

    Returns:
        FAIL when a probe is bad; else INCONCLUSIVE when one is open; else PASS.
    """
    before = {result.name: result.verdict for result in baseline}
    now = {result.name: result.verdict for result in results}
    if all(verdict is Verdict.PASS for verdict in now.values()):
        return Verdict.PASS
    is_up = any(now.get(name) is Verdict.PASS for name in before)
    guilty = {Verdict.PASS, None} if is_up else {Verdict.PASS}
    is_bad = any(
        verdict is Verdict.FAIL and before.get(name) in guilty
        for name, verdict in now.items()
    )
    return Verdict.FAIL if is_bad else Verdict.INCONCLUSIVE
