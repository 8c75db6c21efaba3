"""The columns of a function that returns a table."""

import postgast
from postgast import pg_query_pb2 as pb

from flows.migration.names import identifier, type_text


def result_columns(returns: str) -> list[tuple[str, str]]:
    """Pairs of name and type in ``TABLE(id uuid, n int)``; empty if it is no table."""
    text = f"CREATE FUNCTION f() RETURNS {returns} LANGUAGE sql AS ''"
    try:
        tree = postgast.parse(text)
    except postgast.PgQueryError:
        return []
    parameters = [
        item.function_parameter
        for item in tree.stmts[0].stmt.create_function_stmt.parameters
    ]
    return [
        (identifier(parameter.name), type_text(parameter.arg_type))
        for parameter in parameters
        if parameter.mode == pb.FUNC_PARAM_TABLE
    ]
