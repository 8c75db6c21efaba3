"""Which rights a migration touches: on what it names, and those it takes away."""

from collections.abc import Iterator

from postgast import pg_query_pb2 as pb

from flows.migration.folder import Migration
from flows.migration.names import (
    Signature,
    identifier,
    in_schema_of,
    inner,
    named_function,
    object_name,
    relation,
)
from flows.migration.needs import known_tables
from flows.migration.script import Script

_RELATIONS = ("table", "view", "sequence")


def relations_named(migration: Migration) -> tuple[str, ...]:
    """Tables, views and sequences that up.sql names, makes, or gives a new name."""
    made = (
        item.name
        for item in migration.expectations.objects
        if item.present and item.kind in _RELATIONS
    )
    renamed = (
        in_schema_of(node.relation, node.newname)
        for node in migration.up.nodes
        if isinstance(node, pb.RenameStmt) and node.relation.relname
    )
    return tuple(dict.fromkeys([*known_tables(migration.up), *made, *renamed]))


def schemas_made(migration: Migration) -> tuple[str, ...]:
    """Schemas that up.sql makes."""
    objects = migration.expectations.objects
    return tuple(one.name for one in objects if one.kind == "schema" and one.present)


def functions_made(migration: Migration) -> tuple[str, ...]:
    """Signatures of the functions that up.sql makes."""
    expectations = migration.expectations
    others = (one.name for one in expectations.objects if one.kind == "function")
    return (*(one.signature for one in expectations.functions), *others)


def not_meant_for(migration: Migration, role: str) -> tuple[str, ...]:
    """Signatures of functions whose `execute` in migration.toml leaves a role out."""
    return tuple(
        function.signature
        for function in migration.manifest.functions
        if function.execute is not None
        and not {identifier(role), "PUBLIC"}.intersection(function.execute)
    )


def revoked_from(script: Script, role: str) -> frozenset[str | Signature]:
    """What each REVOKE … FROM that very role names.

    A REVOKE FROM PUBLIC is none: who forgets whom that hits is who this is for.
    """
    return frozenset(
        name
        for node in script.nodes
        if isinstance(node, pb.GrantStmt) and not node.is_grant
        if any(one.role_spec.rolename == role for one in node.grantees)
        for name in _objects(node)
    )


def _objects(node: pb.GrantStmt) -> Iterator[str | Signature]:
    for item in node.objects:
        target = inner(item)
        if isinstance(target, pb.RangeVar):
            yield relation(target)
        elif isinstance(target, pb.ObjectWithArgs):
            yield named_function(target)
        else:
            yield object_name(item)
