"""Statements that may run twice."""

from collections.abc import Callable

import pytest

from flows.migration.online.rerun import guarded, repeatable
from flows.migration.online.trees import parsed
from flows.migration.script import Statement


@pytest.mark.parametrize(
    "sql",
    ["CREATE  TABLE IF NOT EXISTS t ()", "DROP  TABLE IF EXISTS t", "GRANT  a TO b"],
)
def test_text_that_may_run_twice_is_kept(one: Callable[[str], Statement], sql) -> None:
    assert repeatable(one(sql)) == sql


def test_comment_at_the_end_takes_nothing_with_it() -> None:
    assert guarded("true", "DROP TABLE t -- gone").endswith("-- gone\n; END IF; END$$")


def test_dollar_quotes_in_a_guarded_statement_are_kept() -> None:
    statement = "COMMENT ON TABLE t IS $$it's$$"
    block = parsed(guarded("true", statement))
    assert f"\n{statement}\n" in block.args[0].def_elem.arg.string.sval
