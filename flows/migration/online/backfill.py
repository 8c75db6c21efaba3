"""UPDATE in batches: by physical range, and only if it can be stopped anywhere."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import postgast
from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from flows.migration.locks import locks_of
from flows.migration.names import may_be_same, relation
from flows.migration.online.batch import in_range, template
from flows.migration.online.guard import Guard, guard_of
from flows.migration.online.known import Known
from flows.migration.online.made import part_name
from flows.migration.online.narrow import Batch, has_unique_keys, narrow
from flows.migration.online.refused import Refused
from flows.migration.online.steps import OnlineStep
from flows.migration.online.trees import (
    all_of,
    column,
    conjuncts,
    copied,
    either,
    negated,
    parsed,
    sql_of,
)
from flows.migration.online.volatility import GENERATORS, unknown_functions
from flows.migration.relations import relations_in
from flows.migration.script import Statement

ROW = "pgflight_row"
"""What a condition for `spare` calls the row."""
_CORRELATED = (
    "Write the new value as a correlated subquery: SET column = (SELECT … WHERE …)."
)


def backfill(statement: Statement, known: Known) -> list[OnlineStep]:
    """One UPDATE as a step of batches.

    Raises:
        Refused: a batch would not do the same, or would cost as much as the whole.
    """
    node: pb.UpdateStmt = statement.node
    _refuse_unbatchable(node)
    assigned = _assigned(node)
    conditions, guard = _conditions(node)
    if node.from_clause and not guard.is_lookup_free and not has_unique_keys(node):
        raise Refused(
            "where two rows of FROM match, it would change a row back and forth",
            _CORRELATED,
        )
    table = relation(node.relation)
    claim = known.claim(part_name(node.relation, name) for name in assigned)
    return [
        OnlineStep(
            kind="backfill",
            where=statement.where,
            summary=statement.summary,
            statements=(_batch(node, conditions, guard),),
            table=table,
            locks=locks_of(statement),
            is_undoable=claim.is_undoable and not known.has_trigger(table),
            owns=claim.owns,
            left=_left(node, conditions, guard),
            overwrites=tuple(_overwritten(assigned, guard)),
            written=statement.text,
        )
    ]


def spare(step: OnlineStep, spared: Mapping[str, str]) -> OnlineStep:
    """A backfill step that leaves some values alone.

    Args:
        spared: by column, which of its values: a condition on the row `ROW`.
    """
    node: pb.UpdateStmt = copied(parsed(str(step.written)))
    conditions, guard = _conditions(node)
    for item in (item.res_target for item in node.target_list):
        if item.name not in spared:
            continue
        is_spared = _about(target_of(node), spared[item.name])
        if item.name == guard.column:
            conditions.append(negated(is_spared))
        else:
            own = column(target_of(node), item.name)
            item.val.CopyFrom(either(is_spared, own, copied(item.val)))
    return replace(
        step,
        statements=(_batch(node, conditions, guard),),
        left=_left(node, conditions, guard),
    )


def _about(target: str, condition: str) -> pb.Node:
    """A condition on the row `ROW`, on the target's."""
    where = parsed(f"SELECT 1 WHERE {condition}").where_clause
    for _, part in postgast.walk(where):
        match part:
            case pb.ColumnRef() if part.fields[0].string.sval == ROW:
                part.fields[0].string.sval = target
    return copied(where)


def _assigned(node: pb.UpdateStmt) -> dict[str, pb.Node]:
    return {item.res_target.name: item.res_target.val for item in node.target_list}


def _conditions(node: pb.UpdateStmt) -> tuple[list[pb.Node], Guard]:
    """Which rows are to be changed, and the condition that a changed one fails."""
    conditions = conjuncts(node.where_clause)
    guard = guard_of(conditions, _assigned(node), target_of(node))
    return [*conditions, *guard.proof], guard


def _overwritten(assigned: Iterable[str], guard: Guard) -> Iterator[str]:
    return (
        name for name in assigned if name != guard.column or not guard.leaves_values
    )


def target_of(node: pb.UpdateStmt) -> str:
    """What the statement calls its table."""
    return str(node.relation.alias.aliasname or node.relation.relname)


def _refuse_unbatchable(node: pb.UpdateStmt) -> None:
    if node.HasField("with_clause"):
        raise Refused("each batch would run its WITH queries in full", _CORRELATED)
    if _returns(node):
        raise Refused("nobody reads what it is RETURNING", "Leave out RETURNING.")
    if any(_is_compound(item.res_target) for item in node.target_list):
        raise Refused(
            "it sets several columns at once, or a part of a column",
            "Write `column = value` for each column.",
        )
    unknown = _unsuitable_functions(node)
    if unknown:
        raise Refused(
            f"{unknown[0]}() may be volatile or change something",
            "Use built-in functions that always give the same answer, or deploy it"
            " with the transactional strategy.",
        )
    table = relation(node.relation)
    named = [item for item in relations_in(node) if may_be_same(relation(item), table)]
    if len(named) > 1:
        raise Refused(
            f"it reads {table} while it changes it: later batches would see what"
            " earlier ones wrote",
            "Take the value from other tables, or from the row itself.",
        )


def _unsuitable_functions(node: pb.UpdateStmt) -> list[str]:
    """A new value may be random: the guard sees to it that it is set once."""
    rest = copied(node)
    del rest.target_list[:]
    values = (name for item in node.target_list for name in unknown_functions(item))
    return [*unknown_functions(rest), *(set(values) - GENERATORS)]


def _returns(node: pb.UpdateStmt) -> bool:
    fields = {field.name for field, _ in node.ListFields()}
    return not fields.isdisjoint({"returning_list", "returning_clause"})


def _is_compound(item: pb.ResTarget) -> bool:
    return bool(item.indirection) or item.val.HasField("multi_assign_ref")


def _batch(node: pb.UpdateStmt, conditions: Sequence[pb.Node], guard: Guard) -> str:
    update = copied(node)
    limits = list(in_range(target_of(node)))
    narrow(update.from_clause, _members(node, [*_own(guard), *limits]))
    update.where_clause.CopyFrom(all_of([*conditions, *limits]))
    return template(update)


def _left(node: pb.UpdateStmt, conditions: Sequence[pb.Node], guard: Guard) -> str:
    """A SELECT of the rows that the UPDATE would change."""
    query = parsed("SELECT 1, 2 FROM t")
    for item, name in zip(query.target_list, ("ctid", "xmin"), strict=True):
        item.res_target.val.CopyFrom(column(target_of(node), name))
    query.from_clause[0].range_var.CopyFrom(node.relation)
    others = [copied(item) for item in node.from_clause]
    if guard.is_lookup_free:
        narrow(others, _members(node, _own(guard)))
    query.from_clause.extend(others)
    query.where_clause.CopyFrom(all_of(conditions))
    return sql_of(query)


def _own(guard: Guard) -> list[pb.Node]:
    return [guard.condition] if guard.is_lookup_free else []


def _members(node: pb.UpdateStmt, conditions: Sequence[Message]) -> Batch:
    return Batch(node, target_of(node), tuple(conditions))
