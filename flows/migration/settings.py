"""Which server settings a statement changes."""

from collections.abc import Iterator
from dataclasses import dataclass

import postgast
from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from flows.migration.relations import DATA_STATEMENTS
from flows.migration.script import Script

_HARMLESS_SCHEMAS = {"", "pg_catalog", "pg_temp"}


@dataclass(frozen=True)
class Setting:
    """A setting that a statement changes.

    Attributes:
        name: in lower case; ``all`` for RESET ALL.
        values: the constants that it is set to; None where they are computed, or
            where the setting goes back to its default.
    """

    name: str
    values: tuple[str, ...] | None


def settings_of(node: Message) -> Iterator[Setting]:
    """What SET, RESET and calls of set_config() with a constant name change."""
    if isinstance(node, pb.VariableSetStmt):
        yield from _set_by(node)
    if not isinstance(node, DATA_STATEMENTS):
        return
    for _, part in postgast.walk(node):
        if isinstance(part, pb.FuncCall) and _is_set_config(part):
            name, value = (_constant(argument) for argument in part.args[:2])
            if name is not None:
                values = None if value is None else _listed(value)
                yield Setting(name.lower(), values)


def moves_search_path(script: Script) -> bool:
    """Whether unqualified names mean something else than in a fresh session.

    A search_path without schemas of the user's (as pg_dump sets it) moves nothing:
    every name must be qualified then.
    """
    return any(
        setting.name == "search_path" and not _is_harmless(setting)
        for statement in script.statements
        for setting in settings_of(statement.node)
    )


def _set_by(node: pb.VariableSetStmt) -> Iterator[Setting]:
    if node.kind == pb.VAR_RESET_ALL:
        yield Setting("all", None)
        return
    values = tuple(_constant(argument) for argument in node.args)
    texts = tuple(value for value in values if value is not None)
    is_known = node.kind == pb.VAR_SET_VALUE and len(texts) == len(values)
    yield Setting(node.name.lower(), texts if is_known else None)


def _is_set_config(node: pb.FuncCall) -> bool:
    return node.funcname[-1].string.sval == "set_config" and len(node.args) == 3


def _constant(node: pb.Node) -> str | None:
    constant = node.a_const
    return constant.sval.sval if constant.HasField("sval") else None


def _listed(value: str) -> tuple[str, ...]:
    return tuple(part.strip(' "') for part in value.split(","))


def _is_harmless(setting: Setting) -> bool:
    return setting.values is not None and _HARMLESS_SCHEMAS.issuperset(setting.values)
