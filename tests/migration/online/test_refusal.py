"""Why a script cannot be flown online, in words."""

from flows.migration.online.refusal import refusal_of
from tests.fix_scripts import Read


def test_every_statement_in_the_way_is_named(read: Read) -> None:
    up = read("DELETE FROM t;\nALTER TABLE t ADD COLUMN c int;\nTRUNCATE t")
    lines = refusal_of(up).splitlines()
    assert [line.split(": ")[0].rpartition("/")[2] for line in lines[:2]] == [
        *("up.sql:1:1", "up.sql:3:1")
    ]


def test_help_is_given_once(read: Read) -> None:
    refusal = refusal_of(read("DELETE FROM t; DELETE FROM u; CLUSTER t"))
    assert refusal.count("by a job of your own") == 1


def test_nothing_in_the_way_is_empty(read: Read) -> None:
    assert refusal_of(read("ALTER TABLE t ADD COLUMN c int")) == ""
