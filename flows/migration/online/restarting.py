"""RESTART of a sequence: a second run would hand out the same numbers once more."""

from collections.abc import Iterable

from postgast import pg_query_pb2 as pb

RESTARTING = (
    "run again after a crash, it would hand out numbers that are taken by then",
    "Leave out RESTART, or deploy it with the transactional strategy.",
)


def restarts(options: Iterable[pb.Node]) -> bool:
    """Whether options of a sequence or an identity column set it to a number."""
    return any(option.def_elem.defname == "restart" for option in options)
