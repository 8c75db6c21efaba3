"""Expressions that differ in spelling only."""

import pytest

from flows.migration.expression import same_expression


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (None, None),
        ("a IS NOT NULL", "(a IS NOT NULL)"),
        ("lower( A )", "LOWER(a)"),
        ("status = 'x'", "(status = 'x'::text)"),
        ('"a"', "a"),
        ("a > 1 AND b", "((a > 1) AND b)"),
        ("not an expression (", "not an expression ("),
    ],
)
def test_spelling_does_not_count(left: str | None, right: str | None) -> None:
    assert same_expression(left, right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (None, "a"),
        ("a", None),
        ("a IS NOT NULL", "a IS NULL"),
        ("status = 'x'", "status = 'y'"),
        ("a", '"A"'),
        ("a::text", "a"),
        ("a::text", "a::int"),
        ("a > 1", "a >= 1"),
        ("f(a, b)", "f(b, a)"),
        ("a (", "a"),
    ],
)
def test_meaning_counts(left: str | None, right: str | None) -> None:
    assert not same_expression(left, right)
