"""Keeps a batch cheap: a subquery in FROM is limited to the keys of the batch.

A filter on a DISTINCT ON or GROUP BY key takes away whole groups and changes no
other, so it may as well be asked before the grouping.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from postgast import pg_query_pb2 as pb

from flows.migration.names import inner
from flows.migration.online.refused import Refused
from flows.migration.online.trees import (
    all_of,
    conjuncts,
    copied,
    is_in,
    parsed,
    same_tree,
)
from flows.migration.online.volatility import aggregates, has_window

_CORRELATED = (
    "Write the new value as a correlated subquery: SET column = (SELECT … WHERE …)."
)


@dataclass(frozen=True)
class Batch:
    """The rows of one batch.

    Attributes:
        target: what the UPDATE calls its table.
        conditions: that its rows meet.
    """

    update: pb.UpdateStmt
    target: str
    conditions: tuple[pb.Node, ...]

    def values(self, column_: pb.Node) -> pb.SelectStmt:
        """The values of one of its columns."""
        query: pb.SelectStmt = parsed("SELECT 1 FROM t")
        query.target_list[0].res_target.val.CopyFrom(column_)
        query.from_clause[0].range_var.CopyFrom(self.update.relation)
        query.where_clause.CopyFrom(all_of(self.conditions))
        return query


def narrow(items: Iterable[pb.Node], batch: Batch) -> None:
    """Limit each subquery of a FROM clause to the batch, in place.

    Raises:
        Refused: one would be computed in full for every batch.
    """
    for item in items:
        match inner(item):
            case pb.RangeVar():
                pass
            case pb.JoinExpr() as join:
                narrow((join.larg, join.rarg), batch)
            case pb.RangeSubselect() as subquery:
                _narrow(subquery, batch)
            case _:
                raise Refused("each batch would call its function again", _CORRELATED)


def has_unique_keys(update: pb.UpdateStmt) -> bool:
    """Whether at most one row of FROM matches a row of the table, for all one knows."""
    items = [inner(item) for item in update.from_clause]
    if len(items) != 1 or not isinstance(items[0], pb.RangeSubselect):
        return False
    target = update.relation.alias.aliasname or update.relation.relname
    linked = list(_links(items[0], Batch(update, target, ())))
    # Each of several keys would have to be linked; one alone is unique.
    return bool(linked) and len(_keys(items[0].subquery.select_stmt)) == 1


def _narrow(subquery: pb.RangeSubselect, batch: Batch) -> None:
    query = subquery.subquery.select_stmt
    if not _is_grouped(query):
        _refuse_whole(query)
        return
    _refuse_whole(query, is_grouped=True)
    for key, own in _links(subquery, batch):
        keys = is_in(key, batch.values(own))
        query.where_clause.CopyFrom(all_of([*conjuncts(query.where_clause), keys]))
        return
    raise Refused(
        "its subquery would be computed in full for every batch: no `=` of the WHERE"
        " ties its DISTINCT ON or GROUP BY key to a column of the table",
        _CORRELATED,
    )


def _is_grouped(query: pb.SelectStmt) -> bool:
    return bool(query.distinct_clause or query.group_clause)


def _refuse_whole(query: pb.SelectStmt, is_grouped: bool = False) -> None:
    """Refuse what needs all rows whichever are asked for."""
    reasons = {
        "a set operation": query.op != pb.SETOP_NONE,
        "a WITH query": query.HasField("with_clause"),
        "LIMIT or OFFSET": bool(query.limit_count.WhichOneof("node"))
        or bool(query.limit_offset.WhichOneof("node")),
        "a window function": has_window(query),
        "FOR UPDATE": bool(query.locking_clause),
        "an aggregate over all rows": not is_grouped and aggregates(query),
        "DISTINCT together with GROUP BY": bool(query.distinct_clause)
        and bool(query.group_clause),
        "a subquery in its own FROM": any(
            not isinstance(inner(item), pb.RangeVar | pb.JoinExpr)
            for item in query.from_clause
        ),
    }
    for reason, is_so in reasons.items():
        if is_so:
            raise Refused(
                f"its subquery would be computed in full for every batch: {reason}",
                _CORRELATED,
            )


def _links(
    subquery: pb.RangeSubselect, batch: Batch
) -> Iterator[tuple[pb.Node, pb.Node]]:
    """Pairs of a key of the subquery and the table's column that it must equal."""
    query, alias = subquery.subquery.select_stmt, subquery.alias
    for condition in conjuncts(batch.update.where_clause):
        test = condition.a_expr
        if test.kind != pb.AEXPR_OP or [n.string.sval for n in test.name] != ["="]:
            continue
        for left, right in ((test.lexpr, test.rexpr), (test.rexpr, test.lexpr)):
            own = _names(left)
            output = _names(right)
            is_link = len(own) == 2 and own[0] == batch.target and len(output) == 2
            if is_link and output[0] == alias.aliasname and not alias.colnames:
                yield from ((key, left) for key in _computing(query, output[1]))


def _computing(query: pb.SelectStmt, name: str) -> Iterator[pb.Node]:
    """The key that an output column of a grouped query is, if it is one."""
    for key in _keys(query):
        if any(
            _outputs(query, item.res_target, name, key) for item in query.target_list
        ):
            yield copied(key)


def _outputs(query: pb.SelectStmt, item: pb.ResTarget, name: str, key: pb.Node) -> bool:
    """Whether an item of a SELECT list puts out a key under a name."""
    names = _names(item.val)
    if names == [""]:
        # A star: `SELECT DISTINCT ON (user_id) * FROM one_table`.
        return _names(key) == [name] and len(query.from_clause) == 1
    own = item.name or "".join(names[-1:])
    return own == name and same_tree(item.val, key)


def _keys(query: pb.SelectStmt) -> list[pb.Node]:
    """What a query groups by, with output names and positions looked up."""
    if query.group_clause:
        return [_positioned(query, key) for key in query.group_clause]
    listed = [key for key in query.distinct_clause if key.WhichOneof("node")]
    if not listed:
        return [item.res_target.val for item in query.target_list]
    return [_named(query, _positioned(query, key)) for key in listed]


def _positioned(query: pb.SelectStmt, key: pb.Node) -> pb.Node:
    position = key.a_const.ival.ival
    if 1 <= position <= len(query.target_list):
        return query.target_list[position - 1].res_target.val
    return key


def _named(query: pb.SelectStmt, key: pb.Node) -> pb.Node:
    """DISTINCT ON looks up a plain name among the output columns first."""
    for item in query.target_list:
        if item.res_target.name and _names(key) == [item.res_target.name]:
            return item.res_target.val
    return key


def _names(node: pb.Node) -> list[str]:
    return [field.string.sval for field in node.column_ref.fields]
