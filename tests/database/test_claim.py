"""The claim: one run at a time, also between its transactions."""

import os
import socket
from collections.abc import Callable, Iterator

import psycopg
import pytest
from pydantic import SecretStr

from flows.database.claim import Claim, claiming, current_claim
from flows.database.connection import Conn, session
from flows.database.ledger import take_fence
from flows.demo.world import World
from flows.migration.errors import Busy
from flows.migration.target import Target
from tests.database.conftest import backend_count
from tests.faults.proxy import Deed, Once, WireProxy

Another = Callable[[], Claim]


@pytest.fixture
def another() -> Iterator[Another]:
    """Claims as other processes would have them."""
    claims: list[Claim] = []

    def make() -> Claim:
        claims.append(Claim())
        return claims[-1]

    yield make
    for claim in claims:
        claim.release()


def test_second_one_is_busy(target: Target, another: Another):
    with claiming():
        current_claim().take(target, "first 008")
        other = another()
        with pytest.raises(Busy, match=r"pgflight claim first 008 \(pid \d+, since"):
            other.take(target, "second 008")


def test_given_back_at_the_end_of_the_block(
    target: Target, another: Another, admin: psycopg.Connection
):
    with claiming():
        current_claim().take(target, "first")
    another().take(target, "second")


def test_flow_inside_of_another_works_under_its_claim(target: Target, another: Another):
    with claiming():
        outer = current_claim()
        outer.take(target, "outer")
        with claiming():
            assert current_claim() is outer
            current_claim().take(target, "inner")
        with pytest.raises(Busy):
            another().take(target, "other")


def test_transactions_are_free_meanwhile(target: Target):
    with claiming(), session(target, "test") as conn:
        current_claim().take(target, "first")
        assert take_fence(conn)


def test_lost_and_taken_again(
    target: Target, another: Another, admin: psycopg.Connection
):
    with claiming():
        current_claim().take(target, "first")
        admin.execute(
            "SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity"
            " WHERE application_name = 'pgflight claim first'"
        )
        current_claim().renew()
        with pytest.raises(Busy):
            another().take(target, "other")
        assert backend_count(admin, "claim first") == 1


def cut_off(conn: Conn | None) -> int:
    """The client's end is gone, and the server hears nothing of it.

    Returns the descriptor that keeps the server's end open.
    """
    assert conn
    kept = os.dup(conn.fileno())
    ours, other = socket.socketpair()
    other.close()
    os.dup2(ours.detach(), conn.fileno())
    return kept


def test_lost_while_the_server_takes_it_for_alive(
    target: Target, admin: psycopg.Connection
):
    with claiming():
        claim = current_claim()
        claim.take(target, "first")
        kept = cut_off(claim._conn)
        claim.renew()
        assert backend_count(admin, "claim first") == 1
    os.close(kept)


def test_lost_and_somebody_else_has_it(
    target: Target, another: Another, admin: psycopg.Connection
):
    with claiming():
        current_claim().take(target, "first")
        admin.execute(
            "SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity"
            " WHERE application_name = 'pgflight claim first'"
        )
        another().take(target, "other")
        with pytest.raises(Busy, match="claim other"):
            current_claim().renew()


def test_cut_off_while_it_is_taken_is_tried_again(target: Target, server):
    at_lock = Once(lambda line, message: "try_advisory" in message.text, Deed.SWALLOW)
    with WireProxy(server.port, at_lock) as proxy, claiming():
        url = proxy.through(target.database_url.get_secret_value())
        current_claim().take(Target(SecretStr(url)), "first")
    assert at_lock.is_done


def test_holds_back_no_vacuum(target: Target, admin: psycopg.Connection, world: World):
    with claiming():
        current_claim().take(target, "first")
        row = admin.execute(
            "SELECT backend_xmin, backend_xid FROM pg_stat_activity"
            " WHERE application_name = 'pgflight claim first'"
        ).fetchone()
        assert row == (None, None)
