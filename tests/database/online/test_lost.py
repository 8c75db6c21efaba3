"""Connections that are lost in the middle: the run goes on from its journal."""

from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from flows.database.online.apply import apply_online
from flows.migration.errors import ConnectionFailed
from flows.migration.flight import Flight
from tests.database.fix_proxy import CommitProxy
from tests.database.online.test_apply import STEPS, states

END = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE application_name LIKE %s AND datname = current_database()"
)


@pytest.fixture(params=["cut before", "cut after"])
def proxied(online: Flight, request: pytest.FixtureRequest) -> Iterator[Flight]:
    """Through a proxy that mistreats the first COMMIT: that of the run's beginning."""
    proxy = CommitProxy(online.target, request.param)
    yield replace(online, target=proxy.target)
    proxy.close()


def test_lost_commit_of_the_journal_is_settled(proxied: Flight, owner):
    assert apply_online(proxied, lambda line: None).rows == 450
    assert states(owner) == [("applied", "online")]


@pytest.mark.parametrize("name", ["% fence %", "step-%"])
def test_lost_connection_is_resumed(
    online: Flight, owner: psycopg.Connection, name: str
):
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        if len(said) == 1:
            owner.execute(END, [f"pgflight {name}"])

    assert apply_online(online, say).rows == 450
    assert states(owner) == [("applied", "online")]
    steps = owner.execute("SELECT state FROM pgflight.step").fetchall()
    assert steps == [("done",)] * STEPS


def test_step_whose_connection_dies_is_resumed(
    online: Flight, admin: psycopg.Connection, owner: psycopg.Connection
):
    """In mid-statement: the trigger ends the backend that fills."""
    admin.execute(
        "CREATE SEQUENCE public.once; GRANT USAGE ON SEQUENCE public.once TO PUBLIC;"
        "CREATE FUNCTION public.die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF nextval('public.once') = 100"
        " THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;"
        " RETURN NEW; END $$;"
        "CREATE TRIGGER die BEFORE UPDATE ON platform.users"
        " FOR EACH ROW EXECUTE FUNCTION public.die()"
    )
    said: list[str] = []
    assert apply_online(online, said.append).rows == 450
    assert any("going on in" in line for line in said)
    assert states(owner) == [("applied", "online")]


def test_server_that_stays_away_leaves_the_run_for_the_next(
    online: Flight, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("flows.database.online.apply.RESUMES", 0)

    def say(line: str) -> None:
        owner.execute(END, ["pgflight % fence %"])

    with pytest.raises(ConnectionFailed, match="holds the fence was lost"):
        apply_online(online, say)
    assert states(owner) == [("applying", "online")]
