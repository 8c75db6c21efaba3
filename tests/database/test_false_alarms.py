"""Good migrations: what is derived from them passes once they have run."""

from collections.abc import Callable
from pathlib import Path

import pytest

from flows.database.checks import check_structure
from flows.database.connection import Conn
from flows.migration.expectation import Expectations
from flows.migration.probe import Verdict

_, *PARTS = Path(__file__).with_name("good.sql").read_text().split("-- name: ")
GOOD = {part.partition("\n")[0]: part.partition("\n")[2] for part in PARTS}


@pytest.mark.parametrize("name", GOOD)
def test_good_migration_passes(
    name: str, conn: Conn, derived: Callable[[str], Expectations]
):
    conn.execute(GOOD[name].encode())
    checks = check_structure(conn, derived(GOOD[name]))
    failed = [check.sentence for check in checks if check.verdict is not Verdict.PASS]
    assert failed == []


def test_good_migrations_are_checked_at_all(derived: Callable[[str], Expectations]):
    unchecked = [
        name
        for name, text in GOOD.items()
        if not any(getattr(derived(text), kind) for kind in Expectations.model_fields)
    ]
    assert unchecked == ["renamed", "do"]


def test_partial_index_passes_without_temporary_tables(
    admin, conn: Conn, derived: Callable[[str], Expectations]
):
    admin.execute(
        "DO $$ BEGIN EXECUTE format('REVOKE TEMP ON DATABASE %I FROM PUBLIC',"
        " current_database()); END $$"
    )
    conn.execute(GOOD["index in"].encode())
    (check,) = check_structure(conn, derived(GOOD["index in"]))[1:]
    assert check.verdict is Verdict.PASS
