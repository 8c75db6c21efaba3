"""Preflight of size: how much there is, and how long that will take."""

import re

import psycopg
import pytest

from flows.migration.finding import Level
from flows.resources import SQL
from tests.database.preflight.conftest import Edit, Look, blocking, one

FILL = "UPDATE platform.big SET a = 2"
RUN = """
INSERT INTO pgflight.run (run_id, version, name, state, strategy, checksum,
                          rows_filled, locked_ms, fingerprint_before)
VALUES (gen_random_uuid(), '001', 'x', 'accepted', 'transactional', '', %s, 1000, '{}')
"""


@pytest.fixture
def big(owner: psycopg.Connection) -> None:
    """10,000 rows, analysed."""
    owner.execute("CREATE TABLE platform.big (a int)")
    owner.execute("INSERT INTO platform.big SELECT generate_series(1, 10000)")
    owner.execute("ANALYZE platform.big")


def test_rows_and_size_are_told(look: Look) -> None:
    messages = [finding.message for finding in look() if finding.rule == "size"]
    assert "platform.users: about 500 rows, 0.2 MiB with indexes" in messages


def test_duration_is_told(look: Look) -> None:
    finding = one(look(), "strategy")
    assert finding.level is Level.INFO
    assert finding.message.endswith("one transaction; expected time under lock: 129 ms")


@pytest.mark.usefixtures("big")
def test_duration_over_half_the_budget_goes_online(look: Look, write: Edit) -> None:
    write(f"{FILL} WHERE a IS DISTINCT FROM 2")
    finding = one(look("009", budget_ms=700), "strategy")
    assert finding.level is Level.INFO
    assert finding.message.startswith("Strategy online: in one transaction the")


@pytest.mark.usefixtures("big")
def test_duration_over_half_the_budget_blocks_what_cannot_go_online(
    look: Look, write: Edit
) -> None:
    write(FILL)
    finding = one(look("009", budget_ms=700), "strategy")
    assert finding.level is Level.BLOCK
    assert "would wait about 0.4 s; the budget is 0.7 s" in finding.message
    assert "UPDATE platform.big: nothing in its WHERE leaves out" in finding.message
    assert "`column IS DISTINCT FROM new_value`" in finding.help
    assert "raise budget_ms if it may wait that long" in finding.help


@pytest.mark.usefixtures("big")
def test_duration_within_half_the_budget_is_fine(look: Look, write: Edit) -> None:
    write(FILL)
    assert not blocking(look("009", budget_ms=720))


@pytest.mark.usefixtures("big")
@pytest.mark.parametrize(("rows", "ms"), [(100_000, 205), (5_000, 2_105)])
def test_the_servers_own_rate_counts(
    look: Look, write: Edit, owner: psycopg.Connection, rows: int, ms: int
) -> None:
    owner.execute((SQL / "ledger" / "create.sql").read_bytes())
    owner.execute(RUN, [rows])
    write(FILL)
    message = one(look("009", budget_ms=9_000), "strategy").message
    assert message.endswith(f"expected time under lock: {ms:,} ms")


@pytest.mark.usefixtures("big")
def test_growth_since_the_last_analyze_counts(
    look: Look, write: Edit, owner: psycopg.Connection
) -> None:
    owner.execute("INSERT INTO platform.big SELECT generate_series(1, 30000)")
    write(FILL)
    assert re.search(r"about (39|40),", one(look("009"), "size").message)


def test_table_never_analysed_is_guessed(
    look: Look, write: Edit, owner: psycopg.Connection
) -> None:
    owner.execute("CREATE TABLE platform.big (a text)")
    owner.execute(
        "INSERT INTO platform.big SELECT repeat('x', 70) FROM generate_series(1, 9000)"
    )
    write("UPDATE platform.big SET a = ''")
    findings = look("009")
    finding = one(findings, "never-analysed")
    assert finding.level is Level.WARNING
    assert "guessed from its size" in finding.message
    assert finding.help == "ANALYZE platform.big"
    assert "about 9," in one(findings, "size").message


def test_empty_table_needs_no_analyze(
    look: Look, write: Edit, owner: psycopg.Connection
) -> None:
    owner.execute("CREATE TABLE platform.big (a int)")
    write(FILL)
    findings = look("009")
    assert "never-analysed" not in {finding.rule for finding in findings}
    assert "about 0 rows" in one(findings, "size").message


def test_partitions_are_counted(
    look: Look, write: Edit, owner: psycopg.Connection
) -> None:
    owner.execute("CREATE TABLE platform.big (a int) PARTITION BY HASH (a)")
    for part in (0, 1):
        owner.execute(
            f"CREATE TABLE platform.big{part} PARTITION OF platform.big"
            f" FOR VALUES WITH (MODULUS 2, REMAINDER {part})".encode()
        )
    owner.execute("INSERT INTO platform.big SELECT generate_series(1, 10000)")
    owner.execute("ANALYZE platform.big")
    write(FILL)
    findings = look("009")
    assert "platform.big: about 10,000 rows" in one(findings, "size").message
    assert one(findings, "strategy").message.endswith(" 355 ms")


def test_locked_table_is_found_all_the_same(
    look: Look, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.database.connection.READ_LOCK_TIMEOUT_MS", 100)
    monkeypatch.setattr("flows.database.preflight.sessions.TOO_LONG_S", 0)
    owner.execute("BEGIN; LOCK platform.users")
    findings = look()
    assert blocking(findings) == ["long-transaction"]
    assert one(findings, "size").level is Level.WARNING
    assert "locked against everybody" in one(findings, "size").message
