"""Applying a migration online: the same result as in one transaction."""

from flows.database.online.apply import apply_online
from flows.migration.flight import Flight


def test_online_says_each_step(flight: Flight):
    said: list[str] = []
    apply_online(flight, said.append)
    assert said[0] == "ALTER TABLE platform.users ADD COLUMN active_org_id"
