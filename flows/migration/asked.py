"""What a script does that its author must allow by name in migration.toml."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import postgast
from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from flows.migration.allowance import What
from flows.migration.bodies import parts_of
from flows.migration.conditions import holds_for_every_row
from flows.migration.definers import definers_of, unpinned
from flows.migration.names import (
    created_function,
    identifier,
    inner,
    object_name,
    relation,
)
from flows.migration.relations import DATA_STATEMENTS
from flows.migration.script import Script

_TABLES = {
    pb.OBJECT_TABLE: "table",
    pb.OBJECT_MATVIEW: "materialized view",
    pb.OBJECT_FOREIGN_TABLE: "foreign table",
}
_TRUSTED = frozenset(
    {"sql", "plpgsql", "plperl", "pltcl", "plv8", "plls", "plcoffee", "pllua"}
    | {"plrust", "pljava", "plr_trusted"}
)
_UNTRUSTED_EXTENSIONS = frozenset(
    {"plperlu", "pltclu", "plpythonu", "plpython2u", "plpython3u", "plsh", "plr"}
    | {"plluau", "pljavau"}
)
_ROW_SECURITY = {
    pb.AT_DisableRowSecurity: "turns row level security of {} off",
    pb.AT_NoForceRowSecurity: "lets the owner of {} pass row level security",
}


@dataclass(frozen=True)
class Asked:
    """One thing that must be allowed.

    Attributes:
        name: of the object, as SQL writes it.
        does: what the statement does to it, in a few words.
        where: file, line and column.
    """

    what: What
    name: str
    does: str
    where: str

    @property
    def key(self) -> tuple[What, str]:
        return self.what, self.name


_Found = tuple[What, str, str]


def asked_of(script: Script) -> tuple[Asked, ...]:
    """Everything that is asked about, in the order of the file.

    Temporary tables are nobody's data: what is done to them is not asked about.
    """
    found: list[Asked] = []
    parts = [part for statement in script.statements for part in parts_of(statement)]
    temporary: set[str] = set()
    for part in parts:
        for what, name, does in _found(part.node):
            if name not in temporary and not name.startswith("pg_temp."):
                found.append(Asked(what, name, does, part.where))
        _note_temporary(part.node, temporary)
    found += [
        Asked(
            "definer-search-path",
            definer.signature,
            f"{definer.signature} runs with its owner's rights and finds objects by its"
            " caller's search_path (SET search_path = …, pg_temp pins it)",
            definer.part.where,
        )
        for definer in unpinned(definers_of(parts))
    ]
    return tuple(found)


def definers_made_by(script: Script) -> tuple[str, ...]:
    """Signatures of the SECURITY DEFINER functions that a script leaves."""
    parts = [part for statement in script.statements for part in parts_of(statement)]
    return tuple(d.signature for d in definers_of(parts) if d.is_definer)


def _note_temporary(node: Message, temporary: set[str]) -> None:
    match node:
        case pb.CreateStmt() if node.relation.relpersistence == "t":
            temporary.add(relation(node.relation))
        case pb.CreateTableAsStmt() if node.into.rel.relpersistence == "t":
            temporary.add(relation(node.into.rel))
        case pb.DropStmt() if node.remove_type == pb.OBJECT_TABLE:
            temporary.difference_update(map(object_name, node.objects))


def _found(node: Message) -> Iterator[_Found]:
    yield from _defined(node)
    if isinstance(node, DATA_STATEMENTS) or _may_hold(node):
        for part in _holding(node):
            yield from _changed(part)
    if isinstance(node, pb.CreateSchemaStmt):
        for item in node.schema_elts:
            yield from _found(inner(item))


def _may_hold(node: Message) -> bool:
    """Statements that other statements stand in."""
    return isinstance(
        node, pb.ExplainStmt | pb.RuleStmt | pb.CreateTableAsStmt | pb.ViewStmt
    ) or (isinstance(node, pb.CreateFunctionStmt) and node.HasField("sql_body"))


def _holding(node: Message) -> Iterator[Message]:
    """The node, and what stands in its WITH queries, rules and bodies.

    Nothing else can hold a statement that changes rows, so a VALUES of a million
    rows need not be walked through.
    """
    if isinstance(node, pb.SelectStmt) and not node.HasField("with_clause"):
        return
    if isinstance(node, pb.InsertStmt | pb.UpdateStmt | pb.DeleteStmt | pb.MergeStmt):
        yield node
        if node.HasField("with_clause"):
            yield from (part for _, part in postgast.walk(node.with_clause))
        if isinstance(node, pb.InsertStmt):
            yield from _holding(inner(node.select_stmt))
        return
    yield from (part for _, part in postgast.walk(node))


def _defined(node: Message) -> Iterator[_Found]:
    match node:
        case pb.DropStmt():
            yield from _dropped(node)
        case pb.DropOwnedStmt():
            for role in _roles(node.roles):
                yield "drop-owned", role, f"drops everything that {role} owns"
        case pb.AlterTableStmt():
            yield from _altered(node)
        case pb.TruncateStmt():
            for item in node.relations:
                name = relation(item.range_var)
                yield "truncate", name, f"deletes every row of {name}"
            if node.behavior == pb.DROP_CASCADE:
                name = relation(node.relations[0].range_var)
                yield "drop-cascade", name, f"also empties what references {name}"
        case pb.CopyStmt():
            yield from _copied(node)
        case _:
            yield from _permitted(node)
            yield from _of_languages(node)


def _dropped(node: pb.DropStmt) -> Iterator[_Found]:
    for item in node.objects:
        name = object_name(item)
        if node.remove_type in _TABLES:
            kind = _TABLES[node.remove_type]
            yield "drop-table", name, f"drops {kind} {name} with its rows"
        elif node.remove_type == pb.OBJECT_SCHEMA:
            yield "drop-schema", name, f"drops schema {name}"
        if node.behavior == pb.DROP_CASCADE:
            yield "drop-cascade", name, f"also drops whatever depends on {name}"


def _altered(node: pb.AlterTableStmt) -> Iterator[_Found]:
    table = relation(node.relation)
    for item in node.cmds:
        command = item.alter_table_cmd
        name = f"{table}.{identifier(command.name)}"
        if command.subtype == pb.AT_DropColumn:
            yield "drop-column", name, f"drops column {name} with its values"
        elif command.subtype in _ROW_SECURITY:
            does = _ROW_SECURITY[command.subtype].format(table)
            yield "disable-row-security", table, does
        if command.behavior == pb.DROP_CASCADE:
            name = name if command.name else table
            yield "drop-cascade", name, f"also drops whatever depends on {name}"


def _copied(node: pb.CopyStmt) -> Iterator[_Found]:
    if node.is_program:
        yield "server-program", node.filename, "runs a program on the server"
    elif node.filename:
        verb = "reads" if node.is_from else "writes"
        yield "server-file", node.filename, f"{verb} a file of the server"


def _changed(node: Message) -> Iterator[_Found]:
    match node:
        case pb.DeleteStmt() if holds_for_every_row(node.where_clause):
            name = relation(node.relation)
            yield "delete-every-row", name, f"deletes every row of {name} (no WHERE)"
        case pb.UpdateStmt() if holds_for_every_row(node.where_clause):
            name = relation(node.relation)
            yield "update-every-row", name, f"changes every row of {name} (no WHERE)"
        case pb.MergeStmt():
            yield from _merged(node)


def _merged(node: pb.MergeStmt) -> Iterator[_Found]:
    name = relation(node.relation)
    for item in node.merge_when_clauses:
        clause = item.merge_when_clause
        others = clause.match_kind == pb.MERGE_WHEN_NOT_MATCHED_BY_SOURCE
        reaches_all = others or holds_for_every_row(node.join_condition)
        if not reaches_all or not holds_for_every_row(clause.condition):
            continue
        if clause.command_type == pb.CMD_DELETE:
            yield "delete-every-row", name, f"may delete every row of {name}"
        elif clause.command_type == pb.CMD_UPDATE:
            yield "update-every-row", name, f"may change every row of {name}"


def _permitted(node: Message) -> Iterator[_Found]:
    match node:
        case pb.GrantStmt() if _is_to_public(node):
            for item in node.objects:
                name = _granted(item)
                yield "grant-to-public", name, f"lets every role use {name}"
        case pb.AlterDefaultPrivilegesStmt() if _is_to_public(node.action):
            name = pb.ObjectType.Name(node.action.objtype).removeprefix("OBJECT_")
            does = f"lets every role use each new {name.lower()}"
            yield "grant-to-public", name.lower(), does
        case pb.GrantRoleStmt() if node.is_grant:
            members = ", ".join(_roles(node.grantee_roles))
            for item in node.granted_roles:
                name = identifier(item.access_priv.priv_name)
                yield "grant-role", name, f"gives {members} the rights of {name}"
        case pb.CreateRoleStmt():
            name = identifier(node.role)
            yield "change-role", name, f"makes role {name}"
        case pb.AlterRoleStmt() | pb.AlterRoleSetStmt():
            name = _role(node.role) if node.HasField("role") else "ALL"
            yield "change-role", name, f"changes role {name}"
        case pb.DropRoleStmt():
            for name in _roles(node.roles):
                yield "change-role", name, f"drops role {name}"
        case pb.RenameStmt() if node.rename_type == pb.OBJECT_ROLE:
            name = identifier(node.subname)
            yield "change-role", name, f"renames role {name}"


def _of_languages(node: Message) -> Iterator[_Found]:
    language = ""
    match node:
        case pb.CreateFunctionStmt():
            language = _language(node.options)
        case pb.DoStmt():
            language = _language(node.args)
        case pb.CreatePLangStmt():
            language = node.plname
        case pb.CreateExtensionStmt() if node.extname in _UNTRUSTED_EXTENSIONS:
            language = node.extname
    if language and language.lower() not in _TRUSTED:
        name = identifier(language.lower())
        subject = (
            created_function(node).name
            if isinstance(node, pb.CreateFunctionStmt)
            else "the statement"
        )
        does = f"{subject} can do whatever the server's account can (language {name})"
        yield "untrusted-language", name, does


def _language(options: Iterable[pb.Node]) -> str:
    for item in options:
        if item.def_elem.defname == "language":
            return str(item.def_elem.arg.string.sval)
    return ""


def _is_to_public(node: pb.GrantStmt) -> bool:
    return node.is_grant and any(
        item.role_spec.roletype == pb.ROLESPEC_PUBLIC for item in node.grantees
    )


def _granted(node: pb.Node) -> str:
    wrapped = inner(node)
    if isinstance(wrapped, pb.RangeVar):
        return relation(wrapped)
    if isinstance(wrapped, pb.Integer):
        return str(wrapped.ival)
    return object_name(node)


def _roles(nodes: Iterable[pb.Node]) -> list[str]:
    return [_role(item.role_spec) for item in nodes]


def _role(node: pb.RoleSpec) -> str:
    names = {
        pb.ROLESPEC_CURRENT_ROLE: "current_role",
        pb.ROLESPEC_CURRENT_USER: "current_user",
        pb.ROLESPEC_SESSION_USER: "session_user",
    }
    return names.get(node.roletype) or identifier(node.rolename)
