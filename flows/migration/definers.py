"""SECURITY DEFINER functions, and whether their search_path is pinned.

Names in such a function are looked up with its owner's rights, so a caller must not
choose where. An unlisted pg_temp is searched first, whatever the path: it must stand
last (CREATE FUNCTION, "Writing SECURITY DEFINER Functions Safely").
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from postgast import pg_query_pb2 as pb

from flows.migration.bodies import Part
from flows.migration.names import (
    Signature,
    created_function,
    may_be_same_function,
    named_function,
)


@dataclass(frozen=True)
class Definer:
    """A function as a script leaves it.

    Attributes:
        signature: as SQL writes it.
        is_definer: None where the script does not say.
        is_pinned: None likewise.
        part: the statement that said so last.
    """

    signature: str
    is_definer: bool | None
    is_pinned: bool | None
    part: Part


def definers_of(parts: Iterable[Part]) -> tuple[Definer, ...]:
    """What a script says about functions that are, or may be, SECURITY DEFINER."""
    known: dict[Signature, Definer] = {}
    for part in parts:
        match part.node:
            case pb.CreateFunctionStmt():
                signature = created_function(part.node)
                options = [option.def_elem for option in part.node.options]
                new = Definer(str(signature), False, False, part)
                known[signature] = _changed(new, options, part)
            case pb.AlterFunctionStmt():
                options = [action.def_elem for action in part.node.actions]
                for signature, old in _named(known, named_function(part.node.func)):
                    unsaid = Definer(str(signature), None, None, part)
                    known[signature] = _changed(old or unsaid, options, part)
            case pb.DropStmt():
                _forget(known, part.node)
    return tuple(known.values())


def unpinned(definers: Iterable[Definer]) -> Iterator[Definer]:
    """Those that run with their owner's rights, and the caller's search_path.

    A function that the script only resets may be one of them.
    """
    for definer in definers:
        if definer.is_definer:
            unsafe = not definer.is_pinned
        else:
            unsafe = definer.is_definer is None and definer.is_pinned is False
        if unsafe:
            yield definer


def _named(
    known: dict[Signature, Definer], wanted: Signature
) -> list[tuple[Signature, Definer | None]]:
    found = [
        (signature, known[signature])
        for signature in known
        if may_be_same_function(signature, wanted)
    ]
    return [*found] or [(wanted, None)]


def _changed(old: Definer, options: Iterable[pb.DefElem], part: Part) -> Definer:
    is_definer, is_pinned, is_told = old.is_definer, old.is_pinned, False
    for option in options:
        if option.defname == "security":
            is_definer, is_told = option.arg.boolean.boolval, True
        elif option.defname == "set":
            change = option.arg.variable_set_stmt
            if change.kind == pb.VAR_RESET_ALL or change.name == "search_path":
                is_pinned, is_told = is_safe(change), True
    return Definer(old.signature, is_definer, is_pinned, part if is_told else old.part)


def is_safe(change: pb.VariableSetStmt) -> bool:
    """Whether a SET search_path pins it: to schemas by name, pg_temp the last."""
    names = [item.a_const.sval.sval for item in change.args]
    is_set = change.kind == pb.VAR_SET_VALUE
    return is_set and bool(names) and names[-1] == "pg_temp"


def _forget(known: dict[Signature, Definer], node: pb.DropStmt) -> None:
    for item in node.objects:
        if item.HasField("object_with_args"):
            for signature, _ in _named(known, named_function(item.object_with_args)):
                known.pop(signature, None)
