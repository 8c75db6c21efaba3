"""Which functions a statement names, and whether it changes anything else."""

import pytest

from flows.migration.functions import changes_functions_only, functions_created
from tests.fix_scripts import Read

CREATE = "CREATE FUNCTION p.f(int) RETURNS int LANGUAGE sql AS 'SELECT 1'"


@pytest.mark.parametrize(
    "sql",
    [
        CREATE,
        "ALTER FUNCTION f() STABLE",
        "ALTER PROCEDURE f() OWNER TO o",
        "GRANT EXECUTE ON FUNCTION f(), g() TO PUBLIC",
        "REVOKE ALL ON ROUTINE f FROM r",
        "COMMENT ON FUNCTION f() IS 'x'",
        "DROP FUNCTION f, g(int)",
    ],
)
def test_functions_alone_are_changed(read: Read, sql: str) -> None:
    assert all(map(changes_functions_only, read(sql).nodes))


@pytest.mark.parametrize(
    "sql",
    [
        "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA p TO PUBLIC",
        "GRANT SELECT ON t TO r",
        "ALTER TABLE t OWNER TO o",
        "COMMENT ON TABLE t IS 'x'",
        "DROP TABLE t",
        "DO 'BEGIN END'",
    ],
)
def test_something_else_is_changed(read: Read, sql: str) -> None:
    assert not any(map(changes_functions_only, read(sql).nodes))


def test_functions_are_created(read: Read) -> None:
    script = f"{CREATE}; CREATE TABLE t ()"
    assert functions_created(read(script).nodes) == {"p.f(int)"}
