"""A plan with the database's own figures, where there is one to ask."""

from flows.database.connection import CONNECT_ATTEMPTS, reading
from flows.database.outlook import read_outlook
from flows.database.replica import name_of
from flows.database.replicas import PATIENCE_S
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
    notes = notes_of(target) if target else []
    return plan_of(migration, choice, budget_ms, outlook, notes)


def notes_of(target: Target) -> list[str]:
    """What is done because the target names an application role, or replicas."""
    notes = []
    if target.application_role:
        notes.append(
            f"Checked before the COMMIT: that {target.application_role} may use what"
            " the migration makes."
        )
    names = ", ".join(map(name_of, target.replicas))
    if names:
        notes.append(
            f"Waited for after the COMMIT, for at most {PATIENCE_S:g} s: that the"
            f" replicas have it ({names}). Each ACCESS EXCLUSIVE lock is held there,"
            " too, until its COMMIT is replayed."
        )
    return notes


def _outlook(migration: Migration, target: Target | None) -> Outlook | None:
    if target is None:
        return None
    with reading(target, "plan", attempts=CONNECT_ATTEMPTS) as conn:
        return read_outlook(conn, migration.up)
