"""What a script needs: tables that exist, an owner's rights, locks of others gone."""

import pytest

from flows.migration.needs import (
    known_tables,
    makes_what_it_does_not_name,
    must_wait,
    owned_tables,
    required_tables,
)
from tests.fix_scripts import Read

SHARED, ROWS = "ACCESS SHARE", "ROW EXCLUSIVE"


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("ALTER TABLE p.t ADD a int", ("p.t",)),
        ("CREATE INDEX i ON t (a)", ("t",)),
        ("ALTER TABLE t RENAME a TO b", ("t",)),
        ("CREATE POLICY y ON t USING (true)", ("t",)),
        ("CREATE TABLE n (a int); ALTER TABLE n ADD b int", ()),
        ("ALTER INDEX i SET (fillfactor = 50)", ()),
        ("UPDATE t SET a = 1", ()),
    ],
)
def test_owner_is_needed(read: Read, sql: str, tables: tuple[str, ...]) -> None:
    assert owned_tables(read(sql)) == tables


def test_moved_search_path_leaves_qualified_names(read: Read) -> None:
    script = read("SET search_path = p; ALTER TABLE t ADD a int; DROP TABLE q.t")
    assert known_tables(script) == ("q.t",)
    assert owned_tables(script) == ()


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("ALTER TABLE p.t ADD a int REFERENCES p.o", ("p.t", "p.o")),
        ("DROP TABLE IF EXISTS t", ()),
        ("DROP POLICY IF EXISTS y ON t", ()),
        ("ALTER TABLE IF EXISTS t ADD a int", ()),
        ("ALTER TABLE IF EXISTS t RENAME TO u", ()),
        ("ALTER TABLE p.t RENAME TO u; UPDATE p.u SET a = 1", ("p.t",)),
        ("ALTER TABLE p.t SET SCHEMA q; UPDATE q.t SET a = 1", ("p.t",)),
    ],
)
def test_required_tables(read: Read, sql: str, tables: tuple[str, ...]) -> None:
    assert required_tables(read(sql)) == tables


@pytest.mark.parametrize(
    ("sql", "does"),
    [("DO $$BEGIN END$$", True), ("CALL p.f()", True), ("SELECT p.f()", False)],
)
def test_code_may_make_tables(read: Read, sql: str, does: bool) -> None:
    assert makes_what_it_does_not_name(read(sql)) is does


@pytest.mark.parametrize(
    ("sql", "held", "waits"),
    [
        ("ALTER TABLE t ADD a int", SHARED, True),
        ("CREATE INDEX i ON t (a)", SHARED, False),
        ("CREATE INDEX i ON t (a)", ROWS, True),
        ("CREATE INDEX i ON t (a)", "SHARE", False),
        ("CREATE INDEX i ON t (a)", "SHARE UPDATE EXCLUSIVE", True),
        ("ALTER TABLE u ADD FOREIGN KEY (a) REFERENCES t", SHARED, False),
        ("ALTER TABLE u ADD FOREIGN KEY (a) REFERENCES t", ROWS, True),
        ("ALTER TABLE t VALIDATE CONSTRAINT c", ROWS, False),
        ("UPDATE t SET a = 1", ROWS, False),
        ("UPDATE t SET a = 1", "SHARE", True),
        ("SELECT * FROM t", "EXCLUSIVE", False),
        ("SELECT * FROM t", "ACCESS EXCLUSIVE", True),
        ("UPDATE t SET a = 1; CREATE INDEX i ON t (a)", ROWS, True),
        ("ALTER TABLE u ADD a int", "ACCESS EXCLUSIVE", False),
    ],
)
def test_script_waits_for_conflicting_locks(
    read: Read, sql: str, held: str, waits: bool
) -> None:
    assert must_wait(read(sql), "t", [held]) is waits
