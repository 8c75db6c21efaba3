"""What a CREATE makes."""

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from flows.migration.online.made import (
    made_function,
    made_named,
    made_part,
    made_relation,
    made_type,
)
from flows.migration.online.steps import Made


def created_by(node: Message) -> Made:
    """The thing that a CREATE statement makes, indexes excepted."""
    match node:
        case pb.CreateFunctionStmt():
            return made_function(node)
        case pb.CreateTrigStmt():
            return made_part(
                pb.OBJECT_TRIGGER, node.relation, node.trigname, not node.replace
            )
        case pb.CreatePolicyStmt():
            return made_part(pb.OBJECT_POLICY, node.table, node.policy_name, True)
        case pb.CreateSchemaStmt():
            name = node.schemaname or node.authrole.rolename
            return made_named(pb.OBJECT_SCHEMA, name, not node.if_not_exists)
        case pb.CreateExtensionStmt():
            return made_named(pb.OBJECT_EXTENSION, node.extname, not node.if_not_exists)
    return _relation(node) or _type(node)


def _relation(node: Message) -> Made | None:
    match node:
        case pb.CreateStmt():
            return made_relation(pb.OBJECT_TABLE, node.relation, not node.if_not_exists)
        case pb.CreateTableAsStmt():
            return made_relation(node.objtype, node.into.rel, not node.if_not_exists)
        case pb.CreateSeqStmt():
            return made_relation(
                pb.OBJECT_SEQUENCE, node.sequence, not node.if_not_exists
            )
        case pb.ViewStmt():
            return made_relation(pb.OBJECT_VIEW, node.view, not node.replace)
    return None


def _type(node: Message) -> Made:
    match node:
        case pb.CreateDomainStmt():
            return made_type(pb.OBJECT_DOMAIN, list(node.domainname))
        case pb.CompositeTypeStmt():
            name = node.typevar
            texts = (
                [name.schemaname, name.relname] if name.schemaname else [name.relname]
            )
            names = [pb.Node(string=pb.String(sval=text)) for text in texts]
            return made_type(pb.OBJECT_TYPE, names)
        case pb.CreateEnumStmt() | pb.CreateRangeStmt():
            return made_type(pb.OBJECT_TYPE, list(node.type_name))
    raise TypeError(f"{node.DESCRIPTOR.name} makes nothing with a name")
