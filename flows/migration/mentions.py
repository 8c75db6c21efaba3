"""Which objects a script can have made or changed, as far as its words tell.

Other people's DDL commits beside a migration's: a partition that a job has made just
then is not what down.sql has forgotten. In doubt an object counts as the script's.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from flows.migration.script import Script

_WORD = re.compile(r'"(?:[^"]|"")+"|[^\W\d][\w$]*')
_DERIVED = re.compile(r"_(?:seq|pkey|key|idx|excl|fkey|check|not_null)\d*$")
"""Ends of the names that the server makes up, behind the table's."""
_LONGEST = 60
"""Longer names may have been cut short by the server."""

_NAMED = ("relation", "index", "sequence", "type", "statistics", "schema")
_PARTS = ("column", "constraint", "trigger", "policy", "rule")

_SAYS_NOTHING = (
    pb.DoStmt,
    pb.CallStmt,
    pb.SelectStmt,
    pb.RenameStmt,
    pb.AlterObjectSchemaStmt,
    pb.ImportForeignSchemaStmt,
    pb.DropOwnedStmt,
    pb.ReassignOwnedStmt,
    pb.CreateExtensionStmt,
    pb.AlterExtensionStmt,
)
"""Statements that make or change what they do not name."""


@dataclass(frozen=True)
class Mentions:
    """The words of a script.

    Attributes:
        says_all: False where it runs code that may do anything.
    """

    words: frozenset[str]
    says_all: bool

    def may_have_made(self, identity: str, earlier: Collection[str]) -> bool:
        """Whether an object that was not there before can be the script's.

        Args:
            earlier: what was there before.
        """
        kind, own, names = _split(identity)
        if not self.says_all or own is None:
            return True
        if kind == "column" and _relation_of(identity) not in earlier:
            return names[-2] in self.words
        return own in self.words or self._is_derived(own)

    def may_have_changed(self, identity: str) -> bool:
        """Whether an object that was there before can have been changed by it."""
        _, own, names = _split(identity)
        if not self.says_all or own is None:
            return True
        return not self.words.isdisjoint(names)

    def _is_derived(self, name: str) -> bool:
        """By the server's own rule: table, then columns, then what it is."""
        end = _DERIVED.search(name)
        if end is None or len(name) >= _LONGEST:
            return end is not None
        base = name[: end.start()]
        return base in self.words or any(
            base.startswith(f"{table}_") and self._begins(base[len(table) + 1 :])
            for table in self.words
        )

    def _begins(self, columns: str) -> bool:
        # An expression has no name of its own.
        return any(columns.startswith(word) for word in self.words | {"expr"})


def mentions_of(*scripts: Script) -> Mentions:
    """The words of several scripts together."""
    return Mentions(
        words=frozenset(
            word for script in scripts for word in _words(script.text.lower())
        )
        | frozenset(word for script in scripts for word in _words(script.text)),
        says_all=not any(
            isinstance(statement.node, _SAYS_NOTHING) or _names_a_whole(statement.node)
            for script in scripts
            for statement in script.statements
        ),
    )


def _names_a_whole(node: Message) -> bool:
    """GRANT ON ALL TABLES IN SCHEMA, and the like."""
    return (
        isinstance(node, pb.GrantStmt) and node.targtype == pb.ACL_TARGET_ALL_IN_SCHEMA
    )


def _split(identity: str) -> tuple[str, str | None, list[str]]:
    """Kind, own name and all names of a fingerprint's identity.

    The own name is None for kinds whose names tell too little.
    """
    kind, _, rest = identity.partition(" ")
    names = _words(rest.partition("(")[0])
    if kind in _PARTS and kind != "column" and len(names) > 2:
        # constraint K on S.T
        return kind, names[0], [names[0], names[-1]]
    if kind == "column" and len(names) == 3:
        return kind, names[-1], names[1:]
    if kind in _NAMED or kind == "function":
        return kind, names[-1], names[-1:]
    return kind, None, names


def _relation_of(column: str) -> str:
    """The identity of the relation that a column is of."""
    of = column.removeprefix("column ")
    *_, last = _WORD.finditer(of)
    return f"relation {of[: last.start() - 1]}"


def _words(text: str) -> list[str]:
    return [
        word[1:-1].replace('""', '"') if word.startswith('"') else word
        for word in _WORD.findall(text)
    ]
