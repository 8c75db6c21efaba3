"""ADD CONSTRAINT: NOT VALID, then VALIDATE."""

import pytest

from tests.migration.online.conftest import Plan, Refusal

CHECKED = ["CHECK (c > 0)", "FOREIGN KEY (c) REFERENCES p (id)"]


@pytest.mark.parametrize("constraint", CHECKED)
def test_constraint_is_added_first_and_validated_then(plan, constraint: str) -> None:
    brief, validate = plan(f"ALTER TABLE t ADD CONSTRAINT k {constraint}")
    assert (
        f"ALTER TABLE t ADD CONSTRAINT k {constraint} NOT VALID" in brief.statements[0]
    )
    assert validate.statements == ("ALTER TABLE t VALIDATE CONSTRAINT k",)


@pytest.mark.parametrize("constraint", CHECKED)
def test_constraint_not_valid_stays_so(plan: Plan, constraint: str) -> None:
    assert len(plan(f"ALTER TABLE t ADD CONSTRAINT k {constraint} NOT VALID")) == 1


def test_constraint_is_added_unless_it_is_there(step) -> None:
    (text,) = step("ALTER TABLE t ADD CONSTRAINT k CHECK (c > 0) NOT VALID").statements
    assert text.startswith("DO $$BEGIN IF\nNOT ( SELECT EXISTS")
    assert "conname = 'k'" in text


def test_constraint_that_is_not_enforced_is_not_validated(plan: Plan) -> None:
    assert len(plan("ALTER TABLE t ADD CHECK (c > 0) NOT ENFORCED")) == 1


def test_exclusion_is_refused(refusal: Refusal) -> None:
    assert "EXCLUSION" in refusal("ALTER TABLE t ADD EXCLUDE (c WITH =)")


def test_period_key_is_refused(refusal: Refusal) -> None:
    key = "FOREIGN KEY (a, PERIOD b) REFERENCES p (a, PERIOD b)"
    assert "PERIOD" in refusal(f"ALTER TABLE t ADD {key}")
