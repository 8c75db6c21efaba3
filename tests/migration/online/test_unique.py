"""UNIQUE and PRIMARY KEY by way of an index that is built first."""

from tests.migration.online.conftest import Plan, Refusal

ADD = "ALTER TABLE s.t ADD CONSTRAINT k"


def test_index_is_built_and_then_taken_over(plan: Plan) -> None:
    index, constraint = plan(f"{ADD} UNIQUE (a, b) INCLUDE (c) DEFERRABLE")
    assert index.statements == (
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS k ON s.t USING btree (a, b)"
        " INCLUDE (c)",
    )
    taking = "ALTER TABLE s.t ADD CONSTRAINT k UNIQUE USING INDEX k DEFERRABLE"
    assert f"\nTHEN\n{taking}\n" in constraint.statements[0]


def test_nulls_not_distinct_goes_to_the_index(plan: Plan) -> None:
    index, constraint = plan(f"{ADD} UNIQUE NULLS NOT DISTINCT (a)")
    assert "NULLS NOT DISTINCT" in index.statements[0]
    assert "NULLS" not in constraint.statements[0]


def test_tablespace_goes_to_the_index(plan: Plan) -> None:
    index, constraint = plan(f"{ADD} UNIQUE (a) USING INDEX TABLESPACE fast")
    assert "TABLESPACE fast" in index.statements[0]
    assert "TABLESPACE" not in constraint.statements[0]


def test_primary_key_finds_its_columns_filled(plan: Plan) -> None:
    steps = plan(f"{ADD} PRIMARY KEY (a, b)")
    kinds = [step.kind for step in steps]
    filled = ["brief", "validate", "brief"]
    assert kinds == ["index", *filled, *filled, "brief"]
    assert "PRIMARY KEY USING INDEX k" in steps[-1].statements[0]


def test_index_that_is_there_is_taken_over(plan: Plan) -> None:
    (step,) = plan("ALTER TABLE s.t ADD UNIQUE USING INDEX i")
    assert "ADD CONSTRAINT i UNIQUE USING INDEX i" in step.statements[0]


def test_index_and_constraint_must_be_new(plan: Plan) -> None:
    makes = [made for step in plan(f"{ADD} UNIQUE (a)") for made in step.makes]
    assert [made.must_be_new for made in makes] == [True, True]


def test_constraint_is_removed_before_its_index(plan: Plan) -> None:
    index, constraint = plan(f"{ADD} UNIQUE (a)")
    assert constraint.undo[0].endswith("DROP CONSTRAINT IF EXISTS k")
    assert index.undo == ("DROP INDEX CONCURRENTLY IF EXISTS s.k",)


def test_constraint_added_beside_a_drop_is_refused(refusal: Refusal) -> None:
    sql = "ALTER TABLE t DROP CONSTRAINT old, ADD CONSTRAINT k UNIQUE (a)"
    assert "would be missing" in refusal(sql)


def test_index_with_options_is_refused(refusal: Refusal) -> None:
    assert "beforehand" in refusal(f"{ADD} UNIQUE (a) WITH (fillfactor = 70)")
