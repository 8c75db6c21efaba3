"""A plan with the database's own figures, where there is one to ask."""

from flows.database.connection import CONNECT_ATTEMPTS, reading
from flows.database.outlook import read_outlook
from flows.migration.estimate import Outlook
from flows.migration.folder import Migration
from flows.migration.plan import Plan, plan_of
from flows.migration.strategy import Terms, choose
from flows.migration.target import Target


def plan_for(migration: Migration, target: Target | None, terms: Terms) -> Plan:
    """Plan a migration; with a target, for its database.

    Raises:
        ConnectionFailed: the target does not answer.
    """
    outlook = _outlook(migration, target)
    budget_ms = terms.budget_ms or migration.manifest.budget_ms
    choice = choose(terms.strategy, migration.up, budget_ms, outlook)
    return plan_of(migration, choice, budget_ms, outlook)


def _outlook(migration: Migration, target: Target | None) -> Outlook | None:
    if target is None:
        return None
    with reading(target, "plan", attempts=CONNECT_ATTEMPTS) as conn:
        return read_outlook(conn, migration.up)
