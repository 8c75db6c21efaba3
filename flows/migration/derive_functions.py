"""Functions and procedures in a script: definition, owner, and who may execute."""

from collections.abc import Iterable

from postgast import pg_query_pb2 as pb

from flows.migration.expectation import FunctionExpectation, ObjectExpectation
from flows.migration.foreseen import PUBLIC, Foreseen, Function
from flows.migration.names import (
    created_function,
    identifier,
    input_types,
    named_function,
    result_text,
)

_FUNCTIONS = {pb.OBJECT_FUNCTION, pb.OBJECT_PROCEDURE, pb.OBJECT_ROUTINE}
_BODY_IS_ELSEWHERE = {"c", "internal"}


def create_function(foreseen: Foreseen, node: pb.CreateFunctionStmt) -> None:
    if node.funcname[0].string.sval == "pg_temp":
        return
    signature = created_function(node)
    foreseen.forget_function(signature)
    if any(type_name.pct_type for type_name in input_types(node)):
        return
    values = _attributes(option.def_elem for option in node.options)
    if values is None:
        foreseen.put(ObjectExpectation(kind="function", name=str(signature)))
        return
    returns = result_text(node.return_type) if node.HasField("return_type") else None
    foreseen.functions[signature] = Function(
        FunctionExpectation(
            signature=str(signature),
            returns=None if _has_result_columns(node) else returns,
            body=_body(node),
        )
    )
    foreseen.functions[signature].change(**values)


def alter_function(foreseen: Foreseen, node: pb.AlterFunctionStmt) -> None:
    values = _attributes(action.def_elem for action in node.actions)
    signature = named_function(node.func)
    if values is None:
        foreseen.forget_function(signature)
        return
    for known in foreseen.functions_named(signature):
        known.change(**values)


def alter_owner(foreseen: Foreseen, node: pb.AlterOwnerStmt) -> None:
    if node.object_type not in _FUNCTIONS:
        return
    for known in foreseen.functions_named(named_function(node.object.object_with_args)):
        known.change(owner=_role(node.newowner))


def grant(foreseen: Foreseen, node: pb.GrantStmt) -> None:
    """GRANT and REVOKE on functions; one for a whole schema is not followed."""
    if node.objtype not in _FUNCTIONS:
        return
    if node.targtype != pb.ACL_TARGET_OBJECT:
        for known in foreseen.functions.values():
            known.granted = None
        return
    if node.grant_option and not node.is_grant:
        return
    for item in node.objects:
        for known in foreseen.functions_named(named_function(item.object_with_args)):
            _change_grants(known, node)


def _change_grants(known: Function, node: pb.GrantStmt) -> None:
    for grantee in node.grantees:
        role = _role(grantee.role_spec)
        if role is None or known.granted is None:
            known.granted = None
            return
        known.is_public_settled |= role == PUBLIC
        if node.is_grant:
            known.granted.add(role)
        else:
            known.granted.discard(role)


def _role(node: pb.RoleSpec) -> str | None:
    """A role's name; None for CURRENT_USER and the like."""
    if node.roletype == pb.ROLESPEC_PUBLIC:
        return PUBLIC
    if node.roletype == pb.ROLESPEC_CSTRING:
        return identifier(node.rolename)
    return None


def _attributes(options: Iterable[pb.DefElem]) -> dict[str, object] | None:
    """The expectation's fields that options set; None if they cannot be told."""
    values: dict[str, object] = {}
    for option in options:
        match option.defname:
            case "volatility":
                values["volatility"] = option.arg.string.sval.upper()
            case "security":
                values["security_definer"] = option.arg.boolean.boolval
            case "set":
                change = option.arg.variable_set_stmt
                if change.kind == pb.VAR_RESET_ALL or change.name == "search_path":
                    if change.kind not in _TOLD:
                        return None
                    values["search_path"] = _search_path(change)
    return values


_TOLD = {pb.VAR_SET_VALUE, pb.VAR_RESET, pb.VAR_RESET_ALL}


def _search_path(node: pb.VariableSetStmt) -> str | None:
    """As the catalogue holds it; None for RESET."""
    return ", ".join(identifier(a.a_const.sval.sval) for a in node.args) or None


def _has_result_columns(node: pb.CreateFunctionStmt) -> bool:
    return any(
        parameter.function_parameter.mode == pb.FUNC_PARAM_TABLE
        for parameter in node.parameters
    )


def _body(node: pb.CreateFunctionStmt) -> str | None:
    options = {option.def_elem.defname: option.def_elem.arg for option in node.options}
    language = options["language"].string.sval.lower() if "language" in options else ""
    if "as" not in options or language in _BODY_IS_ELSEWHERE:
        return None
    return str(options["as"].list.items[0].string.sval)
