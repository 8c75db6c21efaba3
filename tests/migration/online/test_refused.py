"""Why a script cannot be flown online, in words."""

import pytest

from flows.migration.online.refused import NotOnline
from flows.migration.online.rewrite import plan_online
from tests.fix_scripts import Read


def refusal(read: Read, sql: str) -> NotOnline:
    with pytest.raises(NotOnline) as caught:
        plan_online(read(sql))
    return caught.value


def test_every_statement_in_the_way_is_named(read: Read) -> None:
    error = refusal(read, "DELETE FROM t;\nALTER TABLE t ADD COLUMN c int;\nTRUNCATE t")
    lines = error.message.splitlines()
    assert [line.split(": ")[0].rpartition("/")[2] for line in lines] == [
        *("up.sql:1:1", "up.sql:3:1")
    ]


def test_help_is_given_once(read: Read) -> None:
    error = refusal(read, "DELETE FROM t; DELETE FROM u; CLUSTER t")
    assert error.help.count("by a job of your own") == 1


def test_nothing_in_the_way_is_no_error(read: Read) -> None:
    assert plan_online(read("ALTER TABLE t ADD COLUMN c int"))
