"""A plan with the database's own figures, where there is one to ask."""

from collections.abc import Mapping

from flows.database.connection import CONNECT_ATTEMPTS, reading
from flows.database.outlook import read_outlook
from flows.migration.estimate import Outlook
from flows.migration.folder import Migration
from flows.migration.plan import Plan, plan_of
from flows.migration.strategy import Terms, choose
from flows.migration.target import target_from_environment


def plan_for(
    migration: Migration, environment: Mapping[str, str], terms: Terms
) -> Plan:
    """Plan a migration; with DATABASE_URL set, for that database.

    Raises:
        ConnectionFailed: it is set, and does not answer.
    """
    outlook = _outlook(migration, environment)
    budget_ms = terms.budget_ms or migration.manifest.budget_ms
    choice = choose(terms.strategy, migration.up, budget_ms, outlook)
    return plan_of(migration, choice, budget_ms, outlook)


def _outlook(migration: Migration, environment: Mapping[str, str]) -> Outlook | None:
    if not environment.get("DATABASE_URL"):
        return None
    target = target_from_environment(environment)
    with reading(target, "plan", attempts=CONNECT_ATTEMPTS) as conn:
        return read_outlook(conn, migration.up)
