"""A flight's begin in the ledger."""

import psycopg

from flows.database.logbook import open_flight
from tests.fix_flight import MakeFlight

CUT_OFF_ONCE = """
CREATE SEQUENCE platform.told;
CREATE FUNCTION platform.cut_off() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF pg_catalog.nextval('platform.told') = 1 THEN
    PERFORM pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid());
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER cut_off AFTER INSERT ON pgflight.event
FOR EACH ROW EXECUTE FUNCTION platform.cut_off();
"""


def test_lost_connection_does_not_end_a_flight_that_begins(
    make_flight: MakeFlight, ledger: None, owner: psycopg.Connection
):
    owner.execute(CUT_OFF_ONCE)
    flight = make_flight()
    open_flight(flight)
    told = owner.execute("SELECT flight_id, kind FROM pgflight.event").fetchall()
    assert told == [(flight.run_id, "started")]
