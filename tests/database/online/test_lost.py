"""Connections that are lost in the middle: the run goes on from its journal."""

import time
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from flows.database.online.apply import apply_online
from flows.database.online.fence import held_fence
from flows.database.transaction import FIRST_WITH_TRANSACTION_TIMEOUT
from flows.demo.world import World
from flows.migration.errors import Busy, ConnectionFailed
from flows.migration.flight import Flight
from tests.database.online.test_apply import STEPS, states
from tests.faults.proxy import CommitProxy, Deed

END = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE application_name LIKE %s AND datname = current_database()"
)


@pytest.fixture(params=[Deed.SWALLOW, Deed.CUT_ANSWER])
def proxied(online: Flight, request: pytest.FixtureRequest) -> Iterator[Flight]:
    """Through a proxy that mistreats the first COMMIT: that of the run's beginning."""
    with CommitProxy(online.target, request.param) as proxy:
        yield replace(online, target=proxy.target)


def test_lost_commit_of_the_journal_is_settled(proxied: Flight, owner):
    assert apply_online(proxied, lambda line: None).rows == 450
    assert states(owner) == [("applied", "online")]


@pytest.mark.parametrize("name", ["fence %", "step-%"])
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


def test_fence_lost_before_a_brief_step_is_taken_anew(
    online: Flight, owner: psycopg.Connection
):
    """At once: with none, that step would be tried in vain up the whole ladder."""
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        if "VALIDATE" in line and not any("going on" in line for line in said):
            owner.execute(END, ["pgflight fence %"])

    assert apply_online(online, say).rows == 450
    assert any("going on in" in line for line in said)
    assert states(owner) == [("applied", "online")]


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
        owner.execute(END, ["pgflight fence %"])

    with pytest.raises(ConnectionFailed, match="holds the fence was lost"):
        apply_online(online, say)
    assert states(owner) == [("applying", "online")]


def test_fence_names_its_run_whatever_the_version(online: Flight):
    """A run that was cut off knows its own fence by it, and waits for it to end."""
    migration = replace(online.migration, version="20261124200000")
    flight = replace(online, migration=migration)
    with (
        held_fence(flight),
        pytest.raises(Busy, match=str(online.run_id)),
        held_fence(flight),
    ):
        pass


def test_fence_is_given_up_for_a_machine_that_is_gone(online: Flight, admin):
    """By the server, which asks for a sign of life."""
    with held_fence(online) as fence:
        fence.assert_held()
        shown = fence._conn.execute("SHOW tcp_keepalives_idle").fetchone()
        socket = fence._conn.execute("SELECT inet_client_addr() AS at").fetchone()
    assert shown and socket
    assert socket["at"] is None or shown == {"tcp_keepalives_idle": "5"}


def test_fence_outlasts_the_timeouts_of_the_role(online: Flight, admin, world: World):
    timeouts = ["idle_in_transaction_session_timeout"]
    if online.identity.major >= FIRST_WITH_TRANSACTION_TIMEOUT:
        timeouts.append("transaction_timeout")
    for name in timeouts:
        admin.execute(f"ALTER DATABASE {world.database} SET {name} = '500ms'")
    with held_fence(online) as fence:
        time.sleep(0.8)
        fence.assert_held()


def test_connection_lost_while_the_fence_is_taken_is_ours(online: Flight, monkeypatch):
    def lose(*args: object, **values: object) -> None:
        raise psycopg.OperationalError("server closed the connection")

    monkeypatch.setattr("flows.database.holding.one", lose)
    with pytest.raises(ConnectionFailed), held_fence(online):
        pass
