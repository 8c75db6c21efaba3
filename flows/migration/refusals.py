"""What a script may not contain, because pgflight owns the transaction it runs in."""

from collections.abc import Iterator
from dataclasses import dataclass

import postgast
from google.protobuf.message import Message
from postgast import pg_query_pb2 as pb

from flows.migration.errors import MigrationError
from flows.migration.script import Script, Statement
from flows.migration.settings import settings_of

_GUARDED_SETTINGS = frozenset(
    {
        "all",
        "client_connection_check_interval",
        "idle_in_transaction_session_timeout",
        "lock_timeout",
        "role",
        "session_authorization",
        "session_replication_role",
        "statement_timeout",
        "synchronous_commit",
        "transaction_deferrable",
        "transaction_isolation",
        "transaction_read_only",
        "transaction_timeout",
    }
)
_TRANSACTION_SETTINGS = frozenset(
    {"transaction", "session characteristics", "transaction snapshot"}
)

_BY_HAND = "Run it by hand, outside of a migration."
_PLAIN_INDEX = "Leave out CONCURRENTLY: how an index is built is pgflight's to choose."
_NO_CONTROL = "Remove it: pgflight opens and commits the transaction."
_IN_FULL = "Write out the statement that it runs."

# PostgreSQL's documentation says of each: cannot run inside a transaction block
# (in the source, the callers of PreventInTransactionBlock).
_NEVER_IN_TRANSACTION: dict[type[Message], str] = {
    pb.CreatedbStmt: "CREATE DATABASE",
    pb.DropdbStmt: "DROP DATABASE",
    pb.CreateTableSpaceStmt: "CREATE TABLESPACE",
    pb.DropTableSpaceStmt: "DROP TABLESPACE",
    pb.AlterSystemStmt: "ALTER SYSTEM",
    pb.CreateSubscriptionStmt: "CREATE SUBSCRIPTION",
    pb.AlterSubscriptionStmt: "ALTER SUBSCRIPTION",
    pb.DropSubscriptionStmt: "DROP SUBSCRIPTION",
}
_REINDEX_MANY = {
    pb.REINDEX_OBJECT_SCHEMA,
    pb.REINDEX_OBJECT_SYSTEM,
    pb.REINDEX_OBJECT_DATABASE,
}


@dataclass(frozen=True)
class Refusal:
    """One statement that may not be there."""

    statement: Statement
    reason: str
    help: str

    def __str__(self) -> str:
        return f"{self.statement.where}: {self.reason}"


def refuse(refusals: tuple[Refusal, ...]) -> None:
    """Raise all refusals in one error, if there are any.

    Raises:
        MigrationError: one line for each refusal.
    """
    if refusals:
        helps = dict.fromkeys(refusal.help for refusal in refusals)
        raise MigrationError("\n".join(map(str, refusals)), "\n".join(helps))


def refusals_of(script: Script) -> tuple[Refusal, ...]:
    """What cannot run, or must not, in a transaction that pgflight owns."""
    return tuple(
        Refusal(statement, reason, help)
        for statement in script.statements
        for reason, help in _problems(statement.node)
    )


def cascades_of(script: Script) -> tuple[Refusal, ...]:
    """Every CASCADE of a down.sql, where what it would drop cannot be listed."""
    return tuple(
        Refusal(
            statement,
            "CASCADE would drop objects that cannot be listed",
            "Drop each object by name, in an order that needs no CASCADE.",
        )
        for statement in script.statements
        if _cascades(statement.node)
    )


def _cascades(node: Message) -> bool:
    if isinstance(node, pb.DropOwnedStmt):
        return True
    return any(
        getattr(part, "behavior", None) == pb.DROP_CASCADE
        for _, part in postgast.walk(node)
        if not isinstance(part, pb.GrantStmt | pb.GrantRoleStmt)
    )


def _problems(node: Message) -> Iterator[tuple[str, str]]:
    yield from _transaction_control(node)
    yield from _outside_transactions(node)
    yield from _outside_the_file(node)
    for setting in settings_of(node):
        if setting.name in _TRANSACTION_SETTINGS:
            yield f"SET {setting.name.upper()} changes the transaction", _NO_CONTROL
        elif setting.name in _GUARDED_SETTINGS:
            yield (
                f"changes {setting.name}, which pgflight relies on",
                "Remove it: the limits follow from budget_ms in migration.toml, and"
                " the role from the target.",
            )


def _transaction_control(node: Message) -> Iterator[tuple[str, str]]:
    if isinstance(node, pb.TransactionStmt):
        kind = pb.TransactionStmtKind.Name(node.kind).removeprefix("TRANS_STMT_")
        yield (
            f"{kind.replace('_', ' ')} is transaction control",
            f"{_NO_CONTROL} Only one plain BEGIN … COMMIT around the whole file is"
            " accepted.",
        )


def _outside_transactions(node: Message) -> Iterator[tuple[str, str]]:
    for statement in (_never_in_transaction(node), _concurrently(node)):
        if statement:
            name, help = statement
            yield f"{name} cannot run in a transaction", help


def _never_in_transaction(node: Message) -> tuple[str, str] | None:
    match node:
        case pb.VacuumStmt() if node.is_vacuumcmd:
            return "VACUUM", _BY_HAND
        case pb.AlterDatabaseStmt() if _has_option(node, "tablespace"):
            return "ALTER DATABASE … SET TABLESPACE", _BY_HAND
        case pb.ClusterStmt() if not node.HasField("relation"):
            return "CLUSTER without a table", "Name the table."
        case pb.ReindexStmt() if node.kind in _REINDEX_MANY:
            return "REINDEX of more than one table", "Name the tables one by one."
    name = _NEVER_IN_TRANSACTION.get(type(node))
    return (name, _BY_HAND) if name else None


def _concurrently(node: Message) -> tuple[str, str] | None:
    match node:
        case pb.IndexStmt() if node.concurrent:
            return "CREATE INDEX CONCURRENTLY", _PLAIN_INDEX
        case pb.DropStmt() if node.concurrent:
            return "DROP INDEX CONCURRENTLY", _PLAIN_INDEX
        case pb.ReindexStmt() if _has_option(node, "concurrently"):
            return "REINDEX CONCURRENTLY", _BY_HAND
        case pb.AlterTableStmt() if _detaches_concurrently(node):
            return "DETACH PARTITION CONCURRENTLY", "Leave out CONCURRENTLY."
    return None


def _outside_the_file(node: Message) -> Iterator[tuple[str, str]]:
    """Statements that need a client to talk to, or hide what they do."""
    match node:
        case pb.CopyStmt() if not node.filename:
            end = "FROM STDIN" if node.is_from else "TO STDOUT"
            yield f"COPY … {end} needs a client", "Write INSERT … VALUES instead."
        case pb.PrepareStmt() | pb.ExecuteStmt() | pb.DeallocateStmt():
            yield "a prepared statement hides what is run", _IN_FULL
        case pb.ListenStmt() | pb.UnlistenStmt():
            yield "nobody would receive the notifications", "Remove it."
        case pb.DiscardStmt():
            yield "DISCARD undoes the session that pgflight set up", "Remove it."


def _has_option(node: pb.ReindexStmt | pb.AlterDatabaseStmt, name: str) -> bool:
    options = node.params if isinstance(node, pb.ReindexStmt) else node.options
    return any(option.def_elem.defname == name for option in options)


def _detaches_concurrently(node: pb.AlterTableStmt) -> bool:
    return any(
        getattr(command.alter_table_cmd, "def").partition_cmd.concurrent
        for command in node.cmds
    )
