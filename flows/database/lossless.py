"""Saved values whose column has another type now: whether they stay what they were."""

from dataclasses import dataclass

from psycopg import sql

from flows.database.connection import Conn, one

_NO_LOSS = {("json", "jsonb")}
"""Only the spelling is another one, and what nobody can ask for."""


def retyped(conn: Conn, old: str, new: str) -> "Retyped | None":
    """What to ask of a column's values; None where nothing has to be asked.

    Args:
        old: the type that they were saved of, with its length or precision.
        new: the column's now.
    """
    if old == new or (old, new) in _NO_LOSS:
        return None
    has_way_back = one(conn, "has_way_back", old=old, new=new)["found"]
    return Retyped(old if has_way_back else "text", new)


@dataclass(frozen=True)
class Retyped:
    """A column with another type, and how its values are read back.

    Attributes:
        back: the type before; text where there is no cast to it, or no such type.
    """

    back: str
    now: str

    @property
    def reason(self) -> str:
        return f"it would not be the same as {self.now}"

    def loses(self, text: sql.Composable) -> sql.Composable:
        """A condition: as the new type has it, the text reads back as another one."""
        return sql.SQL("{}::{}::{}::text IS DISTINCT FROM {}").format(
            text, sql.SQL(self.now), sql.SQL(self.back), text
        )
