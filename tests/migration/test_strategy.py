"""Which strategy, and why."""

import pytest

from flows.migration.estimate import BASE_MS, BRIEF_MS, Outlook, Rates
from flows.migration.script import Script
from flows.migration.strategy import Choice, Wish, choose, expected_under_lock
from tests.fix_scripts import Read

RATES = Rates(fill=1_000, fill_online=1_000, scan=10_000)
FILL = "UPDATE t SET a = 1 WHERE a IS DISTINCT FROM 1"
UNGUARDED = "UPDATE t SET a = a + 1"


def choice(up: Script, rows: int | None, wish: Wish = "auto") -> Choice:
    """Of a table with so many rows, which are filled at 1,000 a second."""
    outlook = None if rows is None else Outlook({"t": rows}, RATES)
    return choose(wish, up, 2_000, outlook)


def test_time_under_lock_is_that_of_the_work(read: Read) -> None:
    up = read(f"ALTER TABLE t ADD b int; {FILL}; CREATE INDEX i ON t (a)")
    expected = BASE_MS + 2 * BRIEF_MS + 500 + 50
    assert expected_under_lock(up, Outlook({"t": 500}, RATES)) == expected


def test_table_that_the_migration_makes_is_empty(read: Read) -> None:
    assert expected_under_lock(read(FILL), Outlook({}, RATES)) == BASE_MS + BRIEF_MS


@pytest.mark.parametrize(
    ("rows", "strategy"), [(800, "transactional"), (900, "online")]
)
def test_half_of_the_budget_decides(read: Read, rows: int, strategy: str) -> None:
    assert choice(read(FILL), rows).strategy == strategy


def test_large_index_goes_online_as_well(read: Read) -> None:
    up = read("CREATE INDEX i ON t (a)")
    assert choice(up, 8_000).strategy == "transactional"
    assert choice(up, 10_000).strategy == "online"


def test_what_fits_neither_is_told_what_to_write(read: Read) -> None:
    chosen = choice(read(UNGUARDED), 900)
    assert chosen.strategy is None
    assert "would wait about 1.0 s; the budget is 2.0 s, of which half" in chosen.reason
    assert "UPDATE t: nothing in its WHERE leaves out the rows" in chosen.reason
    assert "`column IS NULL`" in chosen.help and "raise budget_ms" in chosen.help


def test_transactional_as_asked_may_use_the_whole_budget(read: Read) -> None:
    assert choice(read(UNGUARDED), 1_800, "transactional").strategy == "transactional"
    refused = choice(read(UNGUARDED), 2_000, "transactional")
    assert (refused.strategy, refused.help[:21]) == (None, "Leave the strategy to")


def test_online_as_asked_needs_no_reason(read: Read) -> None:
    assert choice(read(FILL), 1, "online").strategy == "online"


def test_online_as_asked_is_refused_where_it_cannot_be(read: Read) -> None:
    refused = choice(read(UNGUARDED), 1, "online")
    assert refused.strategy is None
    assert refused.reason.startswith("it cannot go online:\n")


def test_unknown_size_is_tried_in_one_transaction(read: Read) -> None:
    assert choice(read(FILL), None).strategy == "transactional"


@pytest.mark.parametrize(
    ("sql", "wish", "falls_back"),
    [
        (FILL, "auto", True),
        (UNGUARDED, "auto", False),
        (FILL, "transactional", False),
    ],
)
def test_only_auto_falls_back_on_online(
    read: Read, sql: str, wish: Wish, falls_back: bool
) -> None:
    assert choice(read(sql), 1, wish).falls_back is falls_back


@pytest.mark.parametrize(
    ("sql", "strategy"),
    [("CREATE INDEX i ON t (a)", None), (FILL, "online"), ("DROP INDEX i", "online")],
)
def test_index_of_a_partitioned_table_is_not_built_online(
    read: Read, sql: str, strategy: str | None
) -> None:
    outlook = Outlook({"t": 1}, RATES, partitioned=frozenset({"t"}))
    chosen = choose("online", read(sql), 2_000, outlook)
    assert chosen.strategy == strategy
    assert strategy or "its table is partitioned or a view" in chosen.reason


def test_view_is_not_filled_online(read: Read) -> None:
    outlook = Outlook({}, RATES, others=frozenset({"t"}))
    assert choose("online", read(FILL), 2_000, outlook).strategy is None
