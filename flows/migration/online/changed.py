"""What a GRANT, COMMENT, ALTER or DROP changes, by the names of `Made`."""

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from flows.migration.names import named_function, object_name, qualified, relation
from flows.migration.online.made import KINDS, part_name, part_of


def changed_by(node: Message) -> list[str]:
    """Names of all that a statement changes; none where that cannot be told."""
    match node:
        case pb.GrantStmt() if node.targtype == pb.ACL_TARGET_OBJECT:
            return [name for item in node.objects for name in _granted(node, item)]
        case pb.CommentStmt():
            return [_named(node.objtype, node.object)]
        case pb.AlterOwnerStmt():
            return [object_name(node.object)]
        case pb.AlterFunctionStmt():
            return [str(named_function(node.func))]
        case pb.AlterPolicyStmt():
            return [part_name(node.table, node.policy_name, KINDS[pb.OBJECT_POLICY])]
        case pb.AlterSeqStmt():
            return [relation(node.sequence)]
        case pb.AlterEnumStmt():
            return [qualified(node.type_name)]
        case pb.DropStmt():
            return [_named(node.remove_type, item) for item in node.objects]
    return []


def _named(kind: pb.ObjectType, item: pb.Node) -> str:
    if kind in KINDS:
        *table, name = item.list.items
        return part_of(qualified(table), qualified([name]), KINDS[kind])
    return object_name(item)


def _granted(node: pb.GrantStmt, item: pb.Node) -> list[str]:
    if not item.HasField("range_var"):
        return [object_name(item)]
    privileges = [privilege.access_priv for privilege in node.privileges]
    if privileges and all(privilege.cols for privilege in privileges):
        columns = (column for privilege in privileges for column in privilege.cols)
        return [part_name(item.range_var, name.string.sval) for name in columns]
    return [relation(item.range_var)]
