"""Applying a migration online: the same result as in one transaction."""

from flows.database.online.apply import apply_online
from flows.migration.flight import Flight


def test_online_says_each_step(flight: Flight, owner):
    said: list[str] = []
    applied = apply_online(flight, said.append)
    print("\n".join(said))
    print(applied.model_dump_json(indent=1))
    print(owner.execute("select * from pgflight.step").fetchall())
    print(
        owner.execute(
            "select state, strategy, rows_filled from pgflight.run"
        ).fetchall()
    )
