"""A plan with the database's own figures, where there is one to ask."""

from collections.abc import Mapping

from flows.database.connection import CONNECT_ATTEMPTS, reading
from flows.database.ledger import read_fill_rate
from flows.database.preflight.size import estimate_ms
from flows.migration.folder import Migration
from flows.migration.plan import Plan, plan_of
from flows.migration.target import target_from_environment


def plan_for(
    migration: Migration, environment: Mapping[str, str], budget_ms: int | None
) -> Plan:
    """Plan a migration; with DATABASE_URL set, say how long it will take there."""
    plan = plan_of(migration, budget_ms)
    if not environment.get("DATABASE_URL"):
        return plan
    target = target_from_environment(environment)
    with reading(target, "plan", attempts=CONNECT_ATTEMPTS) as conn:
        expected_ms = estimate_ms(conn, migration.up, read_fill_rate(conn))
    return plan.model_copy(update={"expected_ms": expected_ms})
