"""Planning: the plan, and the database's own figures in it."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from flows.database.connection import reading
from flows.database.outlook import read_outlook
from flows.database.planning import plan_for
from flows.demo.world import World
from flows.migration.errors import ConnectionFailed
from flows.migration.folder import Migration, load_migration
from flows.migration.strategy import Terms
from flows.migration.target import Target


@pytest.fixture
def migration(folder: Path) -> Migration:
    return load_migration(folder, "008")


def test_plan_without_a_database_expects_nothing(migration: Migration) -> None:
    assert plan_for(migration, None, Terms()).expected_ms is None


def test_plan_with_a_database_says_how_long(migration: Migration, world: World) -> None:
    plan = plan_for(migration, Target(SecretStr(world.owner_url)), Terms())
    # 500 users: filled at 40,000 a second, scanned twice at 800,000.
    assert plan.locked_ms == pytest.approx(100 + 12.5 + 2 * 0.625 + 3 * 5)
    assert all(step.expected_ms for step in plan.steps)


def test_plan_takes_the_budget_that_is_asked_for(migration: Migration) -> None:
    assert plan_for(migration, None, Terms()).budget_ms == 2_000
    assert plan_for(migration, None, Terms(500)).budget_ms == 500


def test_plan_says_what_the_target_asks_for_besides(
    migration: Migration, world: World
) -> None:
    url = SecretStr("postgresql://reader:s3cret@replica/app")
    owner = SecretStr(world.owner_url)
    target = Target(owner, replica_urls=(url,), application_role="platform_app")
    plan = plan_for(migration, target, Terms())
    assert "that platform_app may use" in plan.notes[0]
    assert "the replicas have it (replica:5432/app)" in plan.notes[1]
    assert plan_for(migration, Target(owner), Terms()).notes == []


def test_database_that_refuses_is_told(migration: Migration, world: World) -> None:
    target = Target(SecretStr(f"{world.owner_url}_no_such"))
    with pytest.raises(ConnectionFailed, match="does not exist"):
        plan_for(migration, target, Terms())


def test_partitions_and_views_are_known(world: World, owner, folder: Path) -> None:
    owner.execute(
        "CREATE TABLE platform.log (a int) PARTITION BY LIST (a);"
        "CREATE VIEW platform.seen AS SELECT id FROM platform.users"
    )
    (folder / "009_x.up.sql").write_text(
        "CREATE INDEX i ON platform.log (a);"
        " UPDATE platform.seen SET id = id WHERE id IS NULL"
    )
    with reading(Target(SecretStr(world.owner_url)), "test") as conn:
        outlook = read_outlook(conn, load_migration(folder, "009").up)
    assert outlook.partitioned == {"platform.log"}
    assert outlook.others == {"platform.seen"}
