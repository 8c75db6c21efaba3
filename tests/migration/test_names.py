"""Names as SQL writes them, and when two may mean one thing."""

import pytest

from flows.migration.names import (
    canonical_name,
    canonical_signature,
    identifier,
    may_be_same,
)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("users", "users"),
        ("a$1_b", "a$1_b"),
        ("name", "name"),
        ("user", '"user"'),
        ("between", '"between"'),
        ("Users", '"Users"'),
        ("two words", '"two words"'),
        ('a"b', '"a""b"'),
        ("é", '"é"'),
        ("1st", '"1st"'),
        ("", '""'),
    ],
)
def test_identifier_is_quoted_only_where_needed(name: str, written: str) -> None:
    assert identifier(name) == written


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("p.users", "p.users", True),
        ("users", "p.users", True),
        ("p.users", "q.users", False),
        ("users", "orgs", False),
        ('"a.users"', "users", False),
        ('p."a.b"', '"a.b"', True),
    ],
)
def test_unqualified_name_may_be_in_any_schema(
    left: str, right: str, same: bool
) -> None:
    assert may_be_same(left, right) is may_be_same(right, left) is same


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ('"platform" . USERS', "platform.users"),
        ("no name at all", "no name at all"),
        ("a; DROP TABLE b", "a; DROP TABLE b"),
    ],
)
def test_declared_name_is_written_the_usual_way(text: str, written: str) -> None:
    assert canonical_name(text) == written


def test_declared_signature_is_written_the_usual_way() -> None:
    signature = 'platform."f" (INTEGER, int4, varchar(9), x timestamptz)'
    assert (
        canonical_signature(signature)
        == "platform.f(int, int, varchar, timestamp with time zone)"
    )
