"""Kinds of statements that there is no rule for. The corpus has each."""

import pytest

from tests.migration.online.conftest import Refusal


@pytest.mark.parametrize(
    "sql",
    [
        "VACUUM t",
        "CREATE RULE r AS ON UPDATE TO t DO INSTEAD NOTHING",
        "ANALYZE t",
        "CREATE STATISTICS s ON a, b FROM t",
        "CREATE ROLE r",
        "SAVEPOINT s",
        "CREATE PUBLICATION p FOR TABLE t",
        "ALTER TABLE t SET SCHEMA s",
    ],
)
def test_statement_without_a_rule_is_refused(refusal: Refusal, sql: str) -> None:
    assert "how long it keeps others waiting is not known" in refusal(sql)


def test_secret_is_not_in_the_refusal(refusal: Refusal) -> None:
    assert "hunter2" not in refusal("CREATE ROLE r PASSWORD 'hunter2'")
