"""Syntax trees written as SQL."""

import pytest

from flows.migration.online.refused import Refused
from flows.migration.online.trees import (
    all_of,
    conjuncts,
    filled,
    parsed,
    same_tree,
    sql_of,
)


def test_text_reads_back_as_the_same_tree() -> None:
    tree = parsed("SELECT  a FROM t -- c")
    assert sql_of(tree) == "SELECT a FROM t"


def test_tree_that_cannot_be_written_back_is_refused() -> None:
    tree = parsed("SELECT 1")
    tree.target_list[0].res_target.val.a_const.ClearField("ival")
    with pytest.raises(Refused, match="cannot be written back"):
        sql_of(tree)


def test_trees_are_compared_without_positions() -> None:
    assert same_tree(parsed("SELECT a"), parsed("SELECT   a"))
    assert not same_tree(parsed("SELECT a"), parsed("SELECT b"))


def test_conjuncts_are_taken_apart_and_put_together() -> None:
    where = parsed("SELECT 1 WHERE a AND (b AND (c OR d))").where_clause
    parts = conjuncts(where)
    assert len(parts) == 3
    assert all_of(parts[:1]) == parts[0]
    assert len(all_of(parts).bool_expr.args) == 3


def test_no_condition_has_no_conjuncts() -> None:
    assert conjuncts(parsed("SELECT 1").where_clause) == []


def test_texts_are_filled_in_as_constants() -> None:
    assert filled("SELECT ':a', 'b'", a="it's") == "SELECT 'it''s', 'b'"
