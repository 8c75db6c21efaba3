"""How far sequences had come: saved where a rollback drops or restarts them."""

from dataclasses import dataclass
from uuid import UUID

from flows.database.connection import Conn, rows
from flows.database.queries import query
from flows.migration.names import identifier
from flows.migration.report import Saved


@dataclass(frozen=True)
class Sequence:
    """As it was before.

    Attributes:
        last: what it gave out last; None for nothing yet.
    """

    oid: int
    name: str
    file: int
    last: int | None


def note_sequences(conn: Conn) -> list[Sequence]:
    """Those that have given out something."""
    return [
        Sequence(
            oid=row["oid"],
            name=f"{identifier(row['schema'])}.{identifier(row['name'])}",
            file=row["file"],
            last=row["last"],
        )
        for row in rows(conn, "note_sequences")
        if row["last"] is not None
    ]


def save_sequences(
    conn: Conn, noted: list[Sequence], run_id: UUID, version: str
) -> list[Saved]:
    """Keep what is gone, or begins anew: one that is restarted has another file."""
    found = rows(conn, "select_sequence_files", oids=[one.oid for one in noted])
    files = {row["oid"]: row["file"] for row in found}
    saved = []
    for sequence in noted:
        if files.get(sequence.oid) == sequence.file:
            continue
        values = {
            "run_id": run_id,
            "version": version,
            "relation": sequence.name,
            "last": sequence.last,
        }
        conn.execute(query("save_sequence"), values)
        saved.append(Saved(table=sequence.name, column="last_value", rows=1))
    return saved
