"""What was accepted, by the ledger: what a nightly verification looks at again."""

from flows.database.connection import CONNECT_ATTEMPTS, reading
from flows.database.ledger import read_runs
from flows.database.unfinished import assert_right_place
from flows.migration.pin import Pin
from flows.migration.target import Target


def read_accepted(target: Target, flight_id: str, pin: Pin | None) -> list[str]:
    """The versions that are accepted, in their order.

    Raises:
        NotCleared: this is not the server, or not the database, that was meant.
    """
    purpose = f"verify {flight_id}"
    with reading(target, purpose, attempts=CONNECT_ATTEMPTS) as conn:
        assert_right_place(conn, target, pin)
        runs = read_runs(conn)
    return [version for version, run in runs.items() if run.state == "accepted"]
