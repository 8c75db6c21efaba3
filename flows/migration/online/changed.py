"""What a GRANT, COMMENT, ALTER or DROP changes, by the names of `Made`."""

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from flows.migration.names import named_function, object_name, qualified, relation
from flows.migration.online.made import part_name


def changed_by(node: Message) -> list[str]:
    """Names of all that a statement changes; none where that cannot be told."""
    match node:
        case pb.GrantStmt() if node.targtype == pb.ACL_TARGET_OBJECT:
            return [name for item in node.objects for name in _granted(node, item)]
        case pb.CommentStmt():
            return [object_name(node.object)]
        case pb.AlterOwnerStmt():
            return [object_name(node.object)]
        case pb.AlterFunctionStmt():
            return [str(named_function(node.func))]
        case pb.AlterPolicyStmt():
            return [part_name(node.table, node.policy_name)]
        case pb.AlterSeqStmt():
            return [relation(node.sequence)]
        case pb.AlterEnumStmt():
            return [qualified(node.type_name)]
        case pb.DropStmt():
            return [object_name(item) for item in node.objects]
    return []


def _granted(node: pb.GrantStmt, item: pb.Node) -> list[str]:
    if not item.HasField("range_var"):
        return [object_name(item)]
    privileges = [privilege.access_priv for privilege in node.privileges]
    if privileges and all(privilege.cols for privilege in privileges):
        columns = (column for privilege in privileges for column in privilege.cols)
        return [part_name(item.range_var, name.string.sval) for name in columns]
    return [relation(item.range_var)]
