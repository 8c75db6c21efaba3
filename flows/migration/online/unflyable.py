"""Statements that the online strategy has no way of flying, by kind."""

from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from flows.migration.online.refused import Refused

_TRANSACTIONAL = "Deploy it with the transactional strategy."
_OWN_JOB = (
    "Do it by a job of your own, or deploy it with the transactional strategy while"
    " the table is small."
)
_STATEMENTS = "Write the statements that it runs as statements of up.sql."

_REFUSALS: dict[type[Message], tuple[str, str]] = {
    pb.CallStmt: ("what the procedure does is not known", _STATEMENTS),
    pb.ClusterStmt: ("rewrites the table under a lock", _OWN_JOB),
    pb.CopyStmt: ("the number of rows is not known beforehand", _OWN_JOB),
    pb.DeleteStmt: ("its rows cannot be brought back step by step", _OWN_JOB),
    pb.DoStmt: ("what the block does is not known", _STATEMENTS),
    pb.LockStmt: (
        "each step is a transaction of its own, so the lock would protect nothing",
        "Leave it out, or deploy it with the transactional strategy.",
    ),
    pb.MergeStmt: (
        "it cannot be run in batches",
        "Write an UPDATE with a guard, and an INSERT … ON CONFLICT DO NOTHING.",
    ),
    pb.RefreshMatViewStmt: (
        "it computes the whole view in one go",
        "Refresh it by a job of your own.",
    ),
    pb.ReindexStmt: ("it blocks writes to the table", _OWN_JOB),
    pb.SelectStmt: (
        "it answers nobody, so it is there for a side effect that is not known",
        "Leave it out, or deploy it with the transactional strategy.",
    ),
    pb.TruncateStmt: ("it cannot be undone, and readers would wait", _OWN_JOB),
    pb.VariableSetStmt: (
        "each step may run in a session of its own, so the setting would not last",
        "Qualify names with their schema, and give functions a SET clause.",
    ),
}


def refusal_of(node: Message) -> Refused:
    """Why a statement without a rule cannot be flown online."""
    unknown = ("how long it keeps others waiting is not known", _TRANSACTIONAL)
    return Refused(*_REFUSALS.get(type(node), unknown))
