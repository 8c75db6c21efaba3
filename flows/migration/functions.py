"""Which functions and procedures a statement names."""

from collections.abc import Iterable
from dataclasses import replace

import postgast
from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from flows.migration.names import Signature, created_function, named_function
from flows.migration.script import Statement

_ROUTINES = {pb.OBJECT_FUNCTION, pb.OBJECT_PROCEDURE, pb.OBJECT_ROUTINE}


def functions_named(nodes: Iterable[Message]) -> tuple[str, ...]:
    """Names without schema, as the catalogue holds them, of all that may be changed."""
    found: dict[str, None] = {}
    for node in nodes:
        for _, part in postgast.walk(node):
            match part:
                case pb.CreateFunctionStmt():
                    found[part.funcname[-1].string.sval] = None
                case pb.ObjectWithArgs():
                    found[part.objname[-1].string.sval] = None
    return tuple(found)


def functions_dropped(node: Message) -> tuple[Signature, ...]:
    """What a DROP FUNCTION, PROCEDURE or ROUTINE names, in its order."""
    if not isinstance(node, pb.DropStmt) or node.remove_type not in _ROUTINES:
        return ()
    return tuple(named_function(item.object_with_args) for item in node.objects)


def without(statement: Statement, kept: set[Signature]) -> Statement | None:
    """The DROP of the other functions; None where no other one is left."""
    node = statement.node
    assert isinstance(node, pb.DropStmt)
    others = [
        item
        for item in node.objects
        if named_function(item.object_with_args) not in kept
    ]
    if not others:
        return None
    tree = postgast.parse(statement.text)
    rest = tree.stmts[0].stmt.drop_stmt
    del rest.objects[:]
    rest.objects.extend(others)
    return replace(statement, text=postgast.deparse(tree), node=rest)


def functions_created(nodes: Iterable[Message]) -> set[str]:
    """What CREATE FUNCTION and PROCEDURE make, as `Made` has it."""
    return {
        str(created_function(node))
        for node in nodes
        if isinstance(node, pb.CreateFunctionStmt)
    }


def changes_functions_only(node: Message) -> bool:
    """Whether all that it changes are functions and procedures that it names."""
    match node:
        case pb.CreateFunctionStmt() | pb.AlterFunctionStmt():
            return True
        case pb.GrantStmt():
            is_named = node.targtype == pb.ACL_TARGET_OBJECT
            return is_named and node.objtype in _ROUTINES
        case pb.AlterOwnerStmt():
            return node.object_type in _ROUTINES
        case pb.CommentStmt():
            return node.objtype in _ROUTINES
        case pb.DropStmt():
            return node.remove_type in _ROUTINES
    return False
