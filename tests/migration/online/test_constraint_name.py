"""Names that PostgreSQL gives. The corpus compares them with the server's."""

import pytest

from tests.migration.online.conftest import Plan, Refusal

LONG = "c" * 60


@pytest.mark.parametrize(
    ("constraint", "name"),
    [
        ("CONSTRAINT k CHECK (a > 0)", "k"),
        ("CHECK (a > 0 AND a < 9)", "t_a_check"),
        ("CHECK (a > b)", "t_check"),
        ("CHECK (true)", "t_check"),
        ("FOREIGN KEY (b, a) REFERENCES p (x, y)", "t_b_a_fkey"),
        ("UNIQUE (b, a)", "t_b_a_key"),
        ("UNIQUE (a) INCLUDE (b)", "t_a_b_key"),
        ("UNIQUE USING INDEX i", "i"),
        ("PRIMARY KEY (a)", "t_pkey"),
    ],
)
def test_constraint_is_named(plan: Plan, constraint: str, name: str) -> None:
    makes = [
        made
        for step in plan(f"ALTER TABLE s.t ADD {constraint}")
        for made in step.makes
    ]
    assert f"s.t.{name} (constraint)" in [made.name for made in makes]


def test_name_that_would_be_shortened_is_refused(refusal: Refusal) -> None:
    assert "too long" in refusal(f"ALTER TABLE t ADD CHECK ({LONG} > 0)")
