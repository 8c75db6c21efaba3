"""A foreign key taken out of the ADD COLUMN that it stands in."""

from collections.abc import Callable

import pytest

from flows.migration.online.split import split
from flows.migration.script import Statement

One = Callable[[str], Statement]


def test_keys_follow_their_columns(one: One) -> None:
    sql = (
        "ALTER TABLE s.t ADD COLUMN a int NOT NULL CONSTRAINT k REFERENCES p (x),"
        " ADD COLUMN b int REFERENCES q (y) ON DELETE CASCADE"
    )
    assert [piece.text for piece in split(one(sql))] == [
        "ALTER TABLE s.t ADD COLUMN a int NOT NULL, ADD COLUMN b int",
        "ALTER TABLE s.t ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES p (x)",
        "ALTER TABLE s.t ADD FOREIGN KEY (b) REFERENCES q (y) ON DELETE CASCADE",
    ]


def test_pieces_keep_their_place_in_the_file(one: One) -> None:
    whole = one("ALTER TABLE t ADD COLUMN a int REFERENCES p (x)")
    assert {piece.where for piece in split(whole)} == {whole.where}


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE t ADD COLUMN a int",
        "ALTER TABLE t ADD COLUMN IF NOT EXISTS a int REFERENCES p (x)",
        "ALTER TABLE IF EXISTS t ADD COLUMN a int REFERENCES p (x)",
        "ALTER TABLE t ADD COLUMN a int REFERENCES p (x) DEFERRABLE",
        "ALTER TABLE t ADD COLUMN a int REFERENCES p (x) REFERENCES q (x)",
        "ALTER TABLE t ADD COLUMN a int REFERENCES p (x), DROP COLUMN b",
        "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES p (x)",
        "UPDATE t SET a = 1",
    ],
)
def test_statement_stays_in_one_piece(one: One, sql: str) -> None:
    whole = one(sql)
    assert split(whole) == (whole,)
