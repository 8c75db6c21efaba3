"""An approval: a person's decision between plan and apply, and what it is good for."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from flows.migration.errors import Declined
from flows.migration.flight import Flight

Decision = Literal["approve", "decline"]
Minutes = Annotated[float, Field(gt=0, le=10_080)]
A_DAY: Minutes = 1_440


@dataclass(frozen=True)
class Gate:
    """What whoever deploys asks for: a decision, and until when.

    Attributes:
        minutes: how long the question stands; without an answer nothing is done.
    """

    is_asked_for: bool
    minutes: float = A_DAY


class Answer(BaseModel):
    """What the form asks for; nothing has a default that would let it through.

    Attributes:
        target: its name, or else the name of the database, typed again.
    """

    model_config = ConfigDict(extra="forbid")

    decision: Annotated[
        Decision, Field(description="decline: nothing is written, and the run ends.")
    ]
    approver: Annotated[
        str,
        Field(pattern=r"\S", max_length=100, description="Your name, for the ledger."),
    ]
    target: str
    reason: Annotated[
        str, Field(max_length=500, description="Why; goes into the ledger as well.")
    ] = ""

    def settle(self, flight: Flight, at: datetime | None = None) -> str:
        """The sentence for report and ledger.

        Raises:
            Declined: with the same sentence.
        """
        if self.target.strip() != target_of(flight):
            raise Declined(
                f"The approval names {self.target!r}, and the target is"
                f" {target_of(flight)!r}; nothing was written",
                "Run again, and look which target is meant.",
            )
        when = f"{at or datetime.now(UTC):%Y-%m-%d %H:%M:%S %Z}"
        done = "Approved" if self.decision == "approve" else "Declined"
        why = f": {self.reason.strip()}" if self.reason.strip() else ""
        sentence = f"{done} by {self.approver.strip()} on {when}{why}"
        if self.decision == "decline":
            raise Declined(sentence, "Nothing was written. Run again to ask anew.")
        return sentence


def target_of(flight: Flight) -> str:
    """What the approver types again: the target's name, or else the database's."""
    return flight.target.name or flight.identity.database


def form_of(flight: Flight) -> type[Answer]:
    """The answer, with a target that only the flight's own name fits."""
    typed_again = Annotated[
        str,
        Field(
            pattern=_pattern(target_of(flight)),
            description=f"The target's name, typed again: {target_of(flight)}.",
        ),
    ]
    return create_model("Approval", __base__=Answer, target=(typed_again, ...))


def _pattern(name: str) -> str:
    """A regular expression of just that name, for Python and for a browser alike."""
    escaped = re.sub(r"[\\^$.|?*+(){}\[\]]", r"\\\g<0>", name)
    return f"^\\s*{escaped}\\s*$"


def subject_of(flight: Flight) -> str:
    """What an approval is good for: these files, this strategy, this database.

    Where one of them has changed meanwhile, it is asked for again.
    """
    migration, identity = flight.migration, flight.identity
    scripts = (migration.up, migration.down, migration.verify)
    parts = (
        *(script.checksum if script else "" for script in scripts),
        migration.manifest.model_dump_json(),
        str(flight.choice.strategy),
        str(flight.budget_ms),
        identity.database,
        identity.system_identifier,
    )
    return sha256("\n".join(parts).encode()).hexdigest()[:16]
