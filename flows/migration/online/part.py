"""What becomes of one command of an ALTER TABLE."""

from dataclasses import dataclass

from postgast import pg_query_pb2 as pb

from flows.migration.online.known import Claim, Known
from flows.migration.online.steps import Made, OnlineStep
from flows.migration.script import Statement

_NOTHING_BEFORE = Claim()


@dataclass(frozen=True)
class Place:
    """Where a command stands.

    Attributes:
        dropped: columns and constraints that the same ALTER TABLE drops.
    """

    statement: Statement
    table: pb.RangeVar
    known: Known
    dropped: frozenset[str]


@dataclass(frozen=True)
class Part:
    """A command, taken apart by when it runs.

    Attributes:
        before: statements that run first.
        now: runs in one ALTER TABLE with the others' parts.
        guarded: runs right after that, each unless the thing exists.
        after: steps that follow.
    """

    before: tuple[str, ...] = ()
    now: tuple[pb.AlterTableCmd, ...] = ()
    guarded: tuple[tuple[pb.AlterTableCmd, Made], ...] = ()
    makes: tuple[Made, ...] = ()
    after: tuple[OnlineStep, ...] = ()
    claim: Claim = _NOTHING_BEFORE
