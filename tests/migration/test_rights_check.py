"""Judging the application's rights: what is a lack, what a warning, what neither."""

import pytest

from flows.migration.check import Check
from flows.migration.probe import Verdict
from flows.migration.rights import (
    RelationRights,
    Rights,
    RoutineRights,
    SchemaRights,
)
from flows.migration.rights_check import Judge, Told

ALL = ("SELECT", "INSERT", "UPDATE")
READ = ("SELECT",)


def table(
    columns: dict[str, tuple[str, ...]] | None = None, **values: object
) -> RelationRights:
    usual: dict[str, object] = {
        "oid": 1,
        "name": "app.users",
        "kind": "table",
        "is_partition": False,
        "schema_name": "app",
        "may_enter": True,
        "whole": (),
        "columns": columns or {},
        "closed_sequences": (),
    }
    return RelationRights.model_validate(usual | values)


def routine(**values: object) -> RoutineRights:
    usual: dict[str, object] = {
        "oid": 2,
        "signature": "app.f(integer)",
        "kind": "FUNCTION",
        "is_trigger": False,
        "schema_name": "app",
        "may_enter": True,
        "may_execute": False,
        "is_granted": False,
        "is_for_others": False,
        "is_made": True,
    }
    return RoutineRights.model_validate(usual | values)


def judged(before: object, now: object, told: Told | None = None) -> Check | None:
    """The only check, if there is one."""
    checks = Judge(rights(before), rights(now), told or Told()).checks()
    assert len(checks) <= 1
    return checks[0] if checks else None


def rights(one: object) -> Rights:
    return Rights(
        role="app",
        relations=(one,) if isinstance(one, RelationRights) else (),
        routines=(one,) if isinstance(one, RoutineRights) else (),
        schemas=(one,) if isinstance(one, SchemaRights) else (),
    )


def later(before: object, now: object, *made: tuple[str, str]) -> list[Check]:
    """The checks once the COMMIT is past."""
    return Judge(rights(before), rights(now), Told(), frozenset(made)).checks()


def failure(before: object, now: object) -> str:
    check = judged(before, now)
    assert check
    assert (check.verdict, check.is_warning) == (Verdict.FAIL, False)
    return check.detail


def warning(before: object, now: object) -> str:
    check = judged(before, now)
    assert check
    assert (check.verdict, check.is_warning) == (Verdict.PASS, True)
    return check.detail


def is_fine(before: object, now: object) -> bool:
    check = judged(before, now)
    return bool(check and check.verdict is Verdict.PASS and not check.is_warning)


# Columns ----------------------------------------------------------------------


def test_new_column_without_what_it_has_on_all_others_fails() -> None:
    before = table({"id": ("SELECT", "UPDATE"), "name": ("SELECT", "UPDATE")})
    now = table(before.columns | {"New": ("UPDATE",)})
    assert failure(before, now).endswith(
        'Into up.sql: GRANT SELECT ("New") ON app.users TO app'
    )


def test_each_lacking_right_is_in_the_same_grant() -> None:
    before = table({"id": ALL})
    told = failure(before, table({"id": ALL, "a": (), "b": READ}))
    assert "GRANT SELECT (a), INSERT (a, b), UPDATE (a, b) ON app.users" in told


def test_column_that_it_may_write_only_where_told_is_fine_without() -> None:
    """Whoever grants UPDATE by column means it so; 008 does."""
    before = table({"id": READ, "name": ("SELECT", "UPDATE")})
    assert is_fine(before, table(before.columns | {"new": READ}))


def test_new_column_of_a_table_that_it_reads_by_column_is_a_warning() -> None:
    before = table({"id": READ, "secret": ()})
    told = warning(before, table(before.columns | {"new": ()}))
    assert told.endswith("If it is to: GRANT SELECT (new) ON app.users TO app")


def test_column_made_anew_without_its_rights_fails() -> None:
    before = table({"id": READ, "name": ALL})
    told = failure(before, table({"id": READ, "name": READ}))
    assert "GRANT INSERT (name), UPDATE (name) ON app.users TO app" in told


def test_table_that_it_could_not_use_is_none_of_its_business() -> None:
    assert judged(table({"id": ()}), table({"id": (), "new": ()})) is None


def test_table_in_a_schema_that_it_does_not_use_is_none_either() -> None:
    before = table({"id": READ}, may_enter=False)
    assert judged(before, table({"id": ()}, may_enter=False)) is None


# Tables, views and sequences --------------------------------------------------


def test_table_made_anew_without_its_rights_fails() -> None:
    before = table({"id": ALL}, whole=(*ALL, "DELETE"))
    told = failure(before, table({"id": ()}, oid=9))
    assert "GRANT SELECT, INSERT, UPDATE, DELETE ON app.users TO app" in told


def test_table_that_is_only_named_needs_no_check() -> None:
    before = table({"id": ALL})
    assert judged(before, before) is None


def test_right_on_what_is_only_named_fails_before_the_commit_alone() -> None:
    before, now = table({"id": ALL}), table({"id": READ})
    assert "GRANT INSERT, UPDATE ON" in failure(before, now)
    assert later(before, now) == []


def test_new_column_fails_later_too_by_what_it_may_do_with_the_others_now() -> None:
    before = table({"id": ALL})
    (check,) = later(before, table({"id": READ, "new": ()}), ("app.users", "new"))
    assert check.detail.endswith("GRANT SELECT (new) ON app.users TO app")
    now = table({"id": (), "new": ()})
    assert [one.verdict for one in later(before, now, ("app.users", "new"))] == ["pass"]


def test_column_of_a_later_migration_is_that_ones_business() -> None:
    before = table({"id": ALL})
    assert later(before, table({"id": ALL, "new": ()})) == []


def test_overload_of_a_later_migration_is_that_ones_business() -> None:
    assert later(None, routine(is_made=False)) == []


def test_new_table_under_an_old_name_is_held_against_the_old_one() -> None:
    before = Rights(role="app", relations=(table({"id": READ}, whole=READ),))
    old = table({"id": READ}, name="app.users_old", whole=READ)
    now = Rights(role="app", relations=(table({"id": ()}, oid=9), old))
    (failed,) = Judge(before, now, Told()).checks()
    assert (failed.subject, failed.verdict) == ("app.users", Verdict.FAIL)


def test_sequence_made_anew_without_its_rights_fails() -> None:
    before = table(kind="sequence", name="app.s", whole=("USAGE",))
    now = table(kind="sequence", name="app.s", oid=9)
    assert "GRANT USAGE ON SEQUENCE app.s TO app" in failure(before, now)


def test_new_table_that_it_may_not_use_is_a_warning() -> None:
    told = warning(None, table({"id": ()}))
    assert "GRANT SELECT, INSERT, UPDATE, DELETE ON app.users TO app" in told


def test_new_table_in_a_schema_that_it_does_not_use_is_fine() -> None:
    assert judged(None, table({"id": ()}, may_enter=False)) is None


def test_new_partition_is_read_through_its_parent() -> None:
    assert judged(None, table({"id": ()}, is_partition=True)) is None


def test_grant_in_a_schema_that_it_may_not_use_fails() -> None:
    told = failure(None, table({"id": READ}, may_enter=False))
    assert "GRANT USAGE ON SCHEMA app TO app" in told


def test_closed_sequence_of_a_default_fails() -> None:
    closed = ("app.users_id_seq",)
    told = failure(None, table({"id": ALL}, closed_sequences=closed))
    assert "GRANT USAGE ON SEQUENCE app.users_id_seq TO app" in told


def test_sequence_that_was_closed_before_is_not_the_migrations() -> None:
    before = table({"id": ALL}, closed_sequences=("app.s",))
    now = table({"id": ALL, "new": ALL}, closed_sequences=("app.s",))
    assert is_fine(before, now)


@pytest.mark.parametrize("name", ["app.users", "app"])
def test_what_is_revoked_from_the_role_is_meant_so(name: str) -> None:
    """By its own name, or all in its schema."""
    told = Told(revoked=frozenset({name}))
    assert judged(table({"id": ALL}), table({"id": READ}), told) is None


# Functions --------------------------------------------------------------------


def test_new_function_that_nobody_may_execute_fails_with_both_ways_out() -> None:
    told = failure(None, routine())
    assert "GRANT EXECUTE ON FUNCTION app.f(integer) TO app" in told
    assert 'signature = "app.f(integer)", execute = []' in told


def test_new_function_for_others_is_a_warning() -> None:
    assert "others may" in warning(None, routine(is_for_others=True))


def test_function_that_is_said_to_be_for_others_is_fine() -> None:
    assert judged(None, routine(), Told(not_for_it={2})) is None


def test_trigger_function_needs_no_right() -> None:
    assert judged(None, routine(is_trigger=True)) is None


def test_new_function_that_it_may_execute_is_fine() -> None:
    assert is_fine(None, routine(may_execute=True))


def test_new_function_in_a_schema_that_it_does_not_use_is_fine() -> None:
    assert judged(None, routine(may_enter=False)) is None
    assert judged(None, routine(may_enter=False, may_execute=True)) is None


def test_granted_function_in_a_schema_that_it_may_not_use_fails() -> None:
    now = routine(may_execute=True, is_granted=True, may_enter=False)
    assert "GRANT USAGE ON SCHEMA app TO app" in failure(None, now)


def test_replaced_function_that_it_may_not_execute_any_more_fails() -> None:
    before = routine(may_execute=True)
    assert "any more" in failure(before, routine(is_for_others=True))


def test_function_with_other_types_in_its_place_is_needed_as_before() -> None:
    before = routine(may_execute=True)
    now = routine(oid=9, signature="app.f(integer, text)", is_for_others=True)
    assert "GRANT EXECUTE ON FUNCTION app.f(integer, text)" in failure(before, now)


def test_overload_beside_one_that_stays_is_a_new_function() -> None:
    kept = routine(may_execute=True)
    new = routine(oid=9, signature="app.f(text)", is_for_others=True)
    before = Rights(role="app", routines=(kept,))
    now = Rights(role="app", routines=(kept, new))
    checks = Judge(before, now, Told()).checks()
    assert [check.is_warning for check in checks] == [False, True]


def test_function_that_it_could_not_execute_before_is_fine() -> None:
    assert judged(routine(), routine()) is None


# Schemas ----------------------------------------------------------------------


def test_new_schema_is_a_warning() -> None:
    told = warning(None, SchemaRights(name="audit", may_enter=False))
    assert "GRANT USAGE ON SCHEMA audit TO app" in told


def test_new_schema_with_something_granted_in_it_is_told_once() -> None:
    schema = SchemaRights(name="app", may_enter=False)
    granted = table({"id": READ}, may_enter=False)
    now = Rights(role="app", relations=(granted,), schemas=(schema,))
    (check,) = Judge(Rights(role="app"), now, Told()).checks()
    assert (check.subject, check.verdict) == ("app.users", Verdict.FAIL)


def test_schema_made_anew_without_its_right_fails() -> None:
    before = SchemaRights(name="audit", may_enter=True)
    now = SchemaRights(name="audit", may_enter=False)
    assert "may not use it any more" in failure(before, now)
