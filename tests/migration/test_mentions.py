"""What a script can have made or changed, by its words."""

from collections.abc import Callable

import pytest

from flows.migration.mentions import Mentions, mentions_of
from flows.migration.script import Script
from tests.fix_scripts import Read

MADE = """CREATE TABLE platform.invoice (id serial PRIMARY KEY, "Sum" int UNIQUE);
    ALTER TABLE platform.users ADD COLUMN plan text"""

EARLIER = {"relation platform.users", "relation platform.users_2026"}


@pytest.fixture
def said(read: Read) -> Callable[[str], Mentions]:
    return lambda sql: mentions_of(read(sql))


@pytest.mark.parametrize(
    "identity",
    [
        "relation platform.invoice",
        "relation platform.invoice_id_seq",
        "sequence platform.invoice_id_seq",
        "column platform.invoice.anything",
        'column platform.invoice."Sum"',
        "column platform.users_2026.plan",
        "index platform.invoice_pkey",
        'index platform."invoice_Sum_key"',
        "constraint invoice_pkey on platform.invoice",
        "constraint invoice_id_not_null on platform.invoice",
        "constraint users_plan_check on platform.users",
        "default privileges r 0 r",
        "operator platform.===(integer,integer)",
    ],
)
def test_own_objects_are_known(said, identity: str):
    assert said(MADE).may_have_made(identity, EARLIER)


@pytest.mark.parametrize(
    "identity",
    [
        "relation platform.events_2026_12",
        "column platform.events_2026_12.id",
        "index platform.events_2026_12_pkey",
        "index platform.users_2026_12_pkey",
        "constraint users_2026_12_id_not_null on platform.users_2026_12",
        "column platform.users_2026_12.plan",
        "constraint later on platform.users",
        "trigger later on platform.users",
        "function platform.later(uuid)",
        "type platform.later",
    ],
)
def test_others_objects_are_known(said, identity: str):
    assert not said(MADE).may_have_made(identity, EARLIER)


def test_change_of_a_table_that_is_named_is_its_own(said):
    words = said(MADE)
    assert words.may_have_changed("trigger later on platform.users")
    assert words.may_have_changed("column platform.users.email")
    assert not words.may_have_changed("relation platform.orders")


@pytest.mark.parametrize(
    "sql",
    [
        "DO $$ BEGIN END $$",
        "SELECT make_partitions()",
        "ALTER TABLE platform.a RENAME TO b",
        "GRANT SELECT ON ALL TABLES IN SCHEMA platform TO app",
    ],
)
def test_script_that_does_not_say_all_may_have_made_anything(said, sql: str):
    assert said(sql).may_have_made("relation platform.events_2026_12", EARLIER)
    assert said(sql).may_have_changed("relation platform.events_2026_12")


def test_words_of_several_scripts_count(read: Read):
    scripts: list[Script] = [read("CREATE TABLE a ()"), read("CREATE TABLE b ()")]
    assert mentions_of(*scripts).may_have_made("relation public.b", EARLIER)
