"""Rows whose referenced row is gone, before a foreign key is validated.

Until the key is there, nothing does what its ON DELETE says: a row that is deleted
from the referenced table during the backfill leaves such rows behind.
"""

from collections.abc import Iterator

from postgast import pg_query_pb2 as pb

from flows.migration.online.batch import in_range, template
from flows.migration.online.refused import Refused
from flows.migration.online.trees import (
    all_of,
    column,
    copied,
    equal,
    is_missing,
    null_test,
    parsed,
    sql_of,
)

_CHILD, _PARENT = "child", "parent"


def orphans_of(table: pb.RangeVar, key: pb.Constraint) -> str | None:
    """A SELECT of the keys that refer to no row, each once.

    None where the key does not name the columns that it refers to.
    """
    if not key.pk_attrs:
        return None
    query = parsed("SELECT DISTINCT 1 FROM t")
    del query.target_list[:]
    for name in _columns(key):
        item = pb.ResTarget(val=column(_CHILD, name))
        query.target_list.append(pb.Node(res_target=item))
    query.from_clause[0].range_var.CopyFrom(_aliased(table, _CHILD))
    query.where_clause.CopyFrom(all_of(_is_orphan(key)))
    return sql_of(query)


def orphans_cleared(table: pb.RangeVar, key: pb.Constraint) -> str:
    """A template that sets them to NULL, as ON DELETE SET NULL says.

    Raises:
        Refused: the key does not name the columns that it refers to.
    """
    if not key.pk_attrs:
        raise Refused(
            "the foreign key does not name the columns that it refers to",
            "Name them: REFERENCES table (column).",
        )
    update = parsed("UPDATE t SET c = NULL")
    (assignment,) = [item.res_target for item in update.target_list]
    del update.target_list[:]
    for name in cleared_columns(key):
        assignment.name = name
        update.target_list.append(pb.Node(res_target=assignment))
    update.relation.CopyFrom(_aliased(table, _CHILD))
    conditions = [*_is_orphan(key), *in_range(_CHILD)]
    update.where_clause.CopyFrom(all_of(conditions))
    return template(update)


def may_wait(key: pb.Constraint) -> bool:
    """Whether the key may come after the backfill although others are at work.

    Only if what it would have done to a row meanwhile can be made good for.
    """
    is_followed = key.fk_upd_action in ("c", "d")
    return bool(cleared_columns(key) and key.pk_attrs) and not is_followed


def _is_orphan(key: pb.Constraint) -> Iterator[pb.Node]:
    for name in _columns(key):
        yield null_test(column(_CHILD, name), is_null=False)
    parents = parsed("SELECT FROM t")
    parents.from_clause[0].range_var.CopyFrom(_aliased(key.pktable, _PARENT))
    pairs = zip(key.pk_attrs, _columns(key), strict=True)
    matches = (
        equal(column(_PARENT, referenced.string.sval), column(_CHILD, name))
        for referenced, name in pairs
    )
    parents.where_clause.CopyFrom(all_of(matches))
    yield is_missing(parents)


def _columns(key: pb.Constraint) -> list[str]:
    return [item.string.sval for item in key.fk_attrs]


def cleared_columns(key: pb.Constraint) -> list[str]:
    """Those that ON DELETE SET NULL sets to NULL.

    ON DELETE SET NULL (column, …) names some of the key's columns (PostgreSQL 15).
    """
    if key.fk_del_action != "n":
        return []
    return [item.string.sval for item in key.fk_del_set_cols] or _columns(key)


def _aliased(table: pb.RangeVar, name: str) -> pb.RangeVar:
    copy: pb.RangeVar = copied(table)
    copy.alias.CopyFrom(pb.Alias(aliasname=name))
    return copy
