"""What a script's own statements promise to leave behind.

Later statements override earlier ones. What DO blocks do is not known.
"""

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from flows.migration import (
    derive_functions,
    derive_objects,
    derive_removals,
    derive_tables,
)
from flows.migration.asked import definers_made_by
from flows.migration.expectation import DefinerExpectation, Expectations
from flows.migration.foreseen import Foreseen
from flows.migration.script import Script
from flows.migration.settings import moves_search_path

_READERS: dict[type[Message], Callable[[Foreseen, Any], None]] = {
    pb.AlterFunctionStmt: derive_functions.alter_function,
    pb.AlterObjectSchemaStmt: derive_removals.move,
    pb.AlterOwnerStmt: derive_functions.alter_owner,
    pb.AlterTableStmt: derive_tables.alter_table,
    pb.CommentStmt: derive_objects.comment,
    pb.CompositeTypeStmt: derive_objects.create_composite_type,
    pb.CreateDomainStmt: derive_objects.create_domain,
    pb.CreateEnumStmt: derive_objects.create_type,
    pb.CreateForeignTableStmt: derive_tables.create_foreign_table,
    pb.CreateFunctionStmt: derive_functions.create_function,
    pb.CreatePolicyStmt: derive_objects.create_policy,
    pb.CreateRangeStmt: derive_objects.create_type,
    pb.CreateSchemaStmt: derive_objects.create_schema,
    pb.CreateSeqStmt: derive_objects.create_sequence,
    pb.CreateStmt: derive_tables.create_table,
    pb.CreateTableAsStmt: derive_objects.create_table_as,
    pb.CreateTrigStmt: derive_objects.create_trigger,
    pb.DoStmt: derive_removals.do,
    pb.DropOwnedStmt: derive_removals.drop_owned,
    pb.DropStmt: derive_removals.drop,
    pb.GrantStmt: derive_functions.grant,
    pb.IndexStmt: derive_objects.create_index,
    pb.RenameStmt: derive_removals.rename,
    pb.SelectStmt: derive_objects.select_into,
    pb.ViewStmt: derive_objects.create_view,
}


def derive(script: Script) -> Expectations:
    """The end result of a script, as far as its text tells it for certain.

    Nothing, when the script moves the search_path: its unqualified names would mean
    something else to those who check.
    """
    foreseen = Foreseen()
    definers = tuple(
        DefinerExpectation(signature=signature)
        for signature in definers_made_by(script)
    )
    if moves_search_path(script):
        qualified = tuple(d for d in definers if "." in d.signature.partition("(")[0])
        return Expectations(definers=qualified)
    for statement in script.statements:
        reader = _READERS.get(type(statement.node))
        if reader:
            reader(foreseen, statement.node)
    return foreseen.expectations().model_copy(update={"definers": definers})
