"""The online plan of an up.sql, or why there is none."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from flows.migration.online.alter import alter_table
from flows.migration.online.backfill import backfill
from flows.migration.online.index import create_index
from flows.migration.online.insertion import insert
from flows.migration.online.known import Known
from flows.migration.online.orphans import may_wait
from flows.migration.online.plain import PLAIN, as_it_is
from flows.migration.online.refused import NotOnline, Obstacle, Refused
from flows.migration.online.removal import drop
from flows.migration.online.renaming import rename
from flows.migration.online.reorder import reordered
from flows.migration.online.steps import OnlineStep
from flows.migration.online.unflyable import refusal_of
from flows.migration.script import Script, Statement

Rule = Callable[[Statement, Known], list[OnlineStep]]

_RULES: dict[type[Message], Rule] = {
    pb.AlterTableStmt: alter_table,
    pb.DropStmt: drop,
    pb.IndexStmt: create_index,
    pb.InsertStmt: insert,
    pb.RenameStmt: rename,
    pb.UpdateStmt: backfill,
    **dict.fromkeys(PLAIN, as_it_is),
}


def plan_online(up: Script) -> tuple[OnlineStep, ...]:
    """The steps that do what the script does, without keeping anybody waiting.

    Raises:
        NotOnline: some statements cannot be rewritten; all of them are named.
    """
    known = Known()
    steps: list[tuple[OnlineStep, bool]] = []
    obstacles: list[Obstacle] = []
    for statement in reordered(up.statements, may_wait):
        try:
            added = _steps_of(statement, known)
        except Refused as refused:
            obstacles.append(Obstacle(statement, refused.reason, refused.help))
            continue
        steps += [(step, _is_unseen(step, known)) for step in added]
        known.add(added)
    if obstacles:
        raise NotOnline(obstacles)
    numbered = enumerate(_joined(steps), start=1)
    return tuple(replace(step, number=number) for number, step in numbered)


def _steps_of(statement: Statement, known: Known) -> list[OnlineStep]:
    rule = _RULES.get(type(statement.node))
    if rule is None:
        raise refusal_of(statement.node)
    steps = rule(statement, known)
    clash = known.clashing(made for step in steps for made in step.makes)
    if clash:
        raise Refused(f"{clash} is made twice", "Give each a name of its own.")
    return steps


def _joined(steps: Sequence[tuple[OnlineStep, bool]]) -> Iterator[OnlineStep]:
    """Neighbours that nobody can notice share a step."""
    group: list[OnlineStep] = []
    for step, is_unseen in steps:
        if not is_unseen:
            yield from _one(group)
            group = []
            yield step
        else:
            group.append(step)
    yield from _one(group)


def _is_unseen(step: OnlineStep, known: Known) -> bool:
    """Whether it locks and changes nothing that was there before."""
    return (
        step.kind == "brief"
        and step.is_undoable
        and not any(made.is_old for made in step.makes)
        and all(known.is_new(lock.table) for lock in step.locks)
    )


def _one(group: Sequence[OnlineStep]) -> Iterator[OnlineStep]:
    if not group:
        return
    first, others = group[0], len(group) - 1
    yield replace(
        first,
        summary=f"{first.summary} and {others} more" if others else first.summary,
        statements=tuple(text for step in group for text in step.statements),
        locks=tuple(dict.fromkeys(lock for step in group for lock in step.locks)),
        makes=tuple(made for step in group for made in step.makes),
        owns=tuple(dict.fromkeys(name for step in group for name in step.owns)),
    )
