"""INSERT of rows that up.sql spells out, such as a table of known values."""

from postgast import pg_query_pb2 as pb

from flows.migration.names import relation
from flows.migration.online.guard import is_constant
from flows.migration.online.known import Known
from flows.migration.online.refused import Refused
from flows.migration.online.rerun import brief
from flows.migration.online.steps import OnlineStep
from flows.migration.online.volatility import unknown_functions
from flows.migration.script import Statement

MAX_ROWS = 1_000


def insert(statement: Statement, known: Known) -> list[OnlineStep]:
    """INSERT … VALUES … ON CONFLICT (key) DO NOTHING.

    Raises:
        Refused: it reads rows, has too many, or would add them again.
    """
    node: pb.InsertStmt = statement.node
    rows = node.select_stmt.select_stmt.values_lists
    if not rows or len(rows) > MAX_ROWS or node.HasField("with_clause"):
        raise Refused(
            "the number of rows is not known beforehand",
            f"Write VALUES with at most {MAX_ROWS} rows, or insert them by a job of"
            " your own.",
        )
    unknown = unknown_functions(node)
    if unknown:
        raise Refused(f"{unknown[0]}() may be volatile", "Write constants.")
    if not _is_repeatable(node):
        raise Refused(
            "run again after a crash, it could add the rows once more",
            "Name the columns, give values for those of a unique key, and add"
            " ON CONFLICT (key columns) DO NOTHING.",
        )
    claim = known.claim([relation(node.relation)])
    return [brief(statement, [statement.text], (), claim)]


def _is_repeatable(node: pb.InsertStmt) -> bool:
    """Whether each row has a key that a second run finds taken."""
    clause = node.on_conflict_clause
    columns = [item.res_target.name for item in node.cols]
    key = [item.index_elem.name for item in clause.infer.index_elems]
    if clause.action != pb.ONCONFLICT_NOTHING or not key or not set(key) <= {*columns}:
        return False
    # Of a partial index it may be that it does not hold the row.
    is_partial = bool(clause.infer.where_clause.WhichOneof("node"))
    places = [columns.index(name) for name in key]
    rows = [row.list.items for row in node.select_stmt.select_stmt.values_lists]
    return not is_partial and all(
        place < len(row) and is_constant(row[place]) for row in rows for place in places
    )
