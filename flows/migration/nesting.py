"""Keeps text away from the parser that would overflow its C stack.

libpg_query walks its tree recursively and does not check the stack: at 8 MB some
25,000 operators in one chain (``1+1+1+…``) end the process. Parentheses and other
right recursion are bounded by the grammar itself ("memory exhausted").
"""

from collections.abc import Iterable

import postgast
from postgast import pg_query_pb2 as pb

MAX_CHAIN = 5_000

_OPENING = frozenset({pb.ASCII_40, pb.ASCII_91})
_CLOSING = frozenset({pb.ASCII_41, pb.ASCII_93})
_COMMENTS = frozenset({pb.SQL_COMMENT, pb.C_COMMENT})
_RESTARTING = frozenset({pb.ASCII_44, pb.ASCII_59})


def overlong_chain(text: str) -> int | None:
    """Byte offset of a token that too much hangs on, or None.

    The depth of the tree is bounded by the tokens since the last comma or
    semicolon, added up over the parentheses that are open.

    Raises:
        PgQueryError: the text cannot be split into tokens.
    """
    # A token has at least one byte, so most files need not be scanned.
    if len(text) <= MAX_CHAIN:
        return None
    return _first_beyond(postgast.scan(text).tokens)


def _first_beyond(tokens: Iterable[pb.ScanToken]) -> int | None:
    depth, chain = 0, 0
    outer: list[int] = []
    for token in tokens:
        kind = token.token
        if kind in _COMMENTS:
            continue
        chain, depth = chain + 1, depth + 1
        if kind in _OPENING:
            outer.append(chain)
            chain = 0
        elif kind in _CLOSING and outer:
            depth -= chain
            chain = outer.pop()
        elif kind in _RESTARTING:
            depth -= chain
            chain = 0
        if depth > MAX_CHAIN:
            return int(token.start)
    return None
