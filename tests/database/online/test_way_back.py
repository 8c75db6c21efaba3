"""A way back that is cut short: nobody goes on forward, and whoever comes ends it."""

from collections.abc import Callable

import psycopg
import pytest

from flows.database.online.apply import apply_online
from flows.database.revert import revert
from flows.demo.world import World
from flows.migration.errors import Busy, Condemned, ConnectionFailed, RollbackFailed
from flows.migration.report import CANCELLED
from tests.database.conftest import Bare, quiet
from tests.database.online.conftest import FlyOnline
from tests.database.online.test_apply import states
from tests.database.online.test_killed import hold_step_key
from tests.database.online.test_undo import NEVER
from tests.fix_flight import MakeFlight
from tests.fix_migrations import Dump

UP = """
ALTER TABLE platform.users ADD COLUMN a int DEFAULT 1;
CREATE INDEX by_a ON platform.users (a);
CREATE TABLE platform.late (id int);
"""
DOWN = """
DROP TABLE platform.late;
DROP INDEX platform.by_a;
ALTER TABLE platform.users DROP COLUMN a;
"""
"""The inverse of the whole: it fails where anything is missing."""

KILLED = Busy("killed")
"""What leaves all as it is, as a process that is killed does."""

FlyUntil = Callable[[str, BaseException], None]


@pytest.fixture
def fly_until(make_flight: MakeFlight) -> FlyUntil:
    """Fly online until such a line is said, and end there."""

    def fly(begin: str, error: BaseException) -> None:
        def say(line: str) -> None:
            if line.startswith(begin):
                raise error

        with pytest.raises(type(error)):
            apply_online(make_flight(strategy="online"), say)

    return fly


def noted(owner: psycopg.Connection) -> str:
    """Why the only run is condemned; empty where it is not."""
    row = owner.execute("SELECT coalesce(condemned, '') FROM pgflight.run").fetchone()
    assert row
    return str(row[0])


@pytest.mark.parametrize("line", ["Taking back", "Saved 500 rows"])
def test_way_back_of_a_failed_step_is_ended_by_its_steps(
    bare: Bare, fly_until: FlyUntil, make_flight, owner, dump_schema: Dump, ledger, line
):
    before = dump_schema()
    bare(UP + NEVER, DOWN)
    fly_until(line, KeyboardInterrupt())
    assert states(owner) == [("applying", "online")]
    assert "never" in noted(owner)
    committed = revert(make_flight(), "the reason", quiet)
    assert committed.result.strategy == "online"
    assert 500 in [saved.rows for saved in committed.result.saved]
    assert states(owner) == [("rolled_back", "online")]
    assert dump_schema() == before


def test_way_back_of_what_was_stopped_is_noted(
    bare: Bare, make_flight: MakeFlight, owner
):
    bare(UP, DOWN)

    def say(line: str) -> None:
        if "CREATE INDEX" in line or line.startswith("Saved"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        apply_online(make_flight(strategy="online"), say)
    assert noted(owner) == CANCELLED


def test_nobody_goes_on_with_what_is_on_its_way_back(
    bare: Bare, fly_until: FlyUntil, fly_online: FlyOnline, owner
):
    bare(UP + NEVER, DOWN)
    fly_until("Taking back", KeyboardInterrupt())
    with pytest.raises(Condemned, match=r"because: .*never"):
        fly_online()
    assert states(owner) == [("applying", "online")]


def test_way_back_that_lost_its_connection_stays_noted(
    bare: Bare, fly_until: FlyUntil, owner
):
    bare(UP + NEVER, DOWN)
    with pytest.raises(RollbackFailed, match="cut off"):
        fly_until("Taking back", ConnectionFailed("cut off"))
    assert "never" in noted(owner)


def test_way_back_that_failed_is_left_to_a_person(
    bare: Bare, fly_online: FlyOnline, owner
):
    bare(f"ALTER TABLE platform.users ALTER COLUMN email SET DEFAULT '';\n{NEVER}")
    with pytest.raises(RollbackFailed):
        fly_online()
    assert noted(owner) == ""


def test_unfinished_deployment_is_rolled_back_by_its_steps(
    bare: Bare, fly_until: FlyUntil, make_flight, owner, dump_schema: Dump, ledger
):
    """As one that was killed leaves it: only the first step is there."""
    before = dump_schema()
    bare(UP, DOWN)
    fly_until("ALTER TABLE", KILLED)
    revert(make_flight(), "test", quiet)
    assert dump_schema() == before
    assert states(owner) == [("rolled_back", "online")]


def test_unfinished_deployment_whose_steps_cannot_is_rolled_back_by_down(
    bare: Bare, fly_until: FlyUntil, make_flight, dump_schema: Dump, ledger
):
    before = dump_schema()
    bare(
        "ALTER TABLE platform.users ALTER COLUMN email SET DEFAULT '';\n" + UP,
        "ALTER TABLE platform.users ALTER COLUMN email DROP DEFAULT;",
    )
    fly_until("ALTER TABLE", KILLED)
    assert revert(make_flight(), "", quiet).result.strategy == "transactional"
    assert dump_schema() == before


def test_steps_of_another_planner_are_left_to_down(
    bare: Bare, fly_until: FlyUntil, make_flight, owner, dump_schema: Dump, ledger
):
    before = dump_schema()
    bare(UP, "ALTER TABLE platform.users DROP COLUMN a;")
    fly_until("ALTER TABLE", KILLED)
    owner.execute("UPDATE pgflight.step SET summary = 'another'")
    assert revert(make_flight(), "", quiet).result.strategy == "transactional"
    assert dump_schema() == before


def test_last_step_of_the_killed_run_is_waited_for(
    bare: Bare, fly_until: FlyUntil, make_flight, world: World, owner
):
    bare(UP, DOWN)
    fly_until("ALTER TABLE", KILLED)
    timer = hold_step_key(world, 1)
    assert revert(make_flight(), "", quiet).total_ms > 500
    assert states(owner) == [("rolled_back", "online")]
    timer.join()


def test_nothing_is_noted_by_who_has_lost_the_fence(
    bare: Bare, make_flight: MakeFlight, owner
):
    """Somebody else may be at work by then."""
    bare(UP, DOWN)

    def say(line: str) -> None:
        if "CREATE INDEX" in line:
            owner.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE application_name LIKE 'pgflight fence %'"
                " AND datname = current_database()"
            )
            raise KeyboardInterrupt

    with pytest.raises(RollbackFailed, match="holds the fence was lost"):
        apply_online(make_flight(strategy="online"), say)
    assert noted(owner) == ""
