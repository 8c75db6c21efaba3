"""A pooler in between is seen at once, whatever was to be done through it."""

import psycopg
import pytest
from pydantic import SecretStr

from flows.database.connection import connect, session
from flows.demo.server import PostgresServer
from flows.demo.world import World
from flows.migration.errors import ConnectionRefused
from flows.migration.target import Target
from tests.fix_pgbouncer import MODES


@pytest.mark.parametrize("pool_mode", MODES)
def test_pgbouncer_is_refused(pooled_url: str) -> None:
    with pytest.raises(ConnectionRefused, match="goes through a pooler") as caught:
        connect(Target(SecretStr(pooled_url)), "test", attempts=5)
    assert "Point DATABASE_URL at PostgreSQL itself" in caught.value.help


@pytest.mark.parametrize("pool_mode", ["session"])
def test_process_number_of_a_pooler_is_its_own_in_session_mode_too(
    pooled_url: str,
) -> None:
    """Why session mode is refused as well: it cannot be told apart."""
    with psycopg.connect(pooled_url, autocommit=True) as conn:
        row = conn.execute("SELECT pg_backend_pid()").fetchone()
        assert row != (conn.info.backend_pid,)


@pytest.mark.parametrize(
    "query",
    ["", "?target_session_attrs=read-write", "?target_session_attrs=primary"],
)
def test_several_hosts_lead_to_the_one_that_answers(
    server: PostgresServer, world: World, query: str
) -> None:
    here = f"127.0.0.1:{server.port}/"
    assert here in world.owner_url
    url = world.owner_url.replace(here, f"127.0.0.1:9,{here}") + query
    with session(Target(SecretStr(url)), "test") as conn:
        assert conn.info.port == server.port
