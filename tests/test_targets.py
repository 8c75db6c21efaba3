"""From a name to a target, and a run's own for all of it."""

from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from flows.database.connection import connect
from flows.demo.world import World
from flows.migration.errors import TargetError
from flows.migration.parameters import BlockReference
from flows.migration.redaction import MASK, mask
from flows.target_block import PostgresTarget, block_of
from flows.targets import aim_name, aimed_at, aiming, find_target

URL = "postgresql://owner:s3cret@db/app"
ENVIRONMENT = {
    "DATABASE_URL": "postgresql://default/app",
    "PGFLIGHT_TOKEN": "of the default",
    "DATABASE_URL_STAGING_EU": URL,
    "PGFLIGHT_STAGING_EU_ENDPOINT": "https://staging",
    "PGFLIGHT_STAGING_EU_EXPECTED_DATABASE": "app",
    "PGFLIGHT_STAGING_EU_APPLICATION_ROLE": "platform_app",
    "PGFLIGHT_STAGING_EU_REPLICAS": f"{URL} {URL}",
    "PGFLIGHT_APPLICATION_ROLE": "of the default",
}


def test_no_name_is_the_environments_own() -> None:
    found = find_target(None, ENVIRONMENT)
    assert (found.name, found.source) == ("", "DATABASE_URL")


@pytest.mark.parametrize(
    ("choice", "default"), [("staging-eu", ""), (None, "staging-eu")]
)
def test_named_set_is_found_and_gets_nothing_of_another_target(
    choice: str | None, default: str
) -> None:
    found = find_target(choice, ENVIRONMENT | {"PGFLIGHT_TARGET": default})
    assert (found.name, found.source) == ("staging-eu", "DATABASE_URL_STAGING_EU")
    assert found.database_url.get_secret_value() == URL
    assert found.expected_database == "app"
    assert found.plain_values["PGFLIGHT_ENDPOINT"] == "https://staging"
    assert "PGFLIGHT_TOKEN" not in found.plain_values
    assert (found.application_role, len(found.replicas)) == ("platform_app", 2)


@pytest.mark.parametrize("choice", [URL, "Staging", "", "a b", "x\n", "x" * 101])
def test_no_other_text_names_a_target(choice: str) -> None:
    with pytest.raises(TargetError, match="is named by lower-case") as caught:
        find_target(choice, ENVIRONMENT)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("choice", ["prod", BlockReference("block_document_id", "1")])
def test_unknown_target_lists_those_there_are(
    choice: str | BlockReference, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with (
        temporary_settings(restore_defaults={PREFECT_API_URL}),
        pytest.raises(TargetError, match="names no server to ask") as caught,
    ):
        find_target(choice, ENVIRONMENT)
    assert "staging-eu" in str(caught.value)
    assert "pgflight register NAME" in caught.value.help


def test_server_that_does_not_answer_is_told() -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with (
        temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}),
        pytest.raises(TargetError, match="does not say what the target prod is"),
    ):
        find_target("prod", ENVIRONMENT)


def test_run_keeps_its_target_also_in_a_flow_inside_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Prefect may be away when it must be rolled back, and the environment changed."""
    monkeypatch.setenv("DATABASE_URL_QA", URL)
    with aiming("qa"):
        first = aimed_at()
        monkeypatch.delenv("DATABASE_URL_QA")
        with aiming("another"):
            assert aimed_at() is first
            assert aim_name() == "qa"
    monkeypatch.setenv("DATABASE_URL", URL)
    assert aimed_at().name == ""


def test_block_is_the_same_target_without_the_others_values() -> None:
    environment = {
        "DATABASE_URL": URL,
        "PGFLIGHT_ENDPOINT": "https://app",
        "PGFLIGHT_TOKEN": "t0ken",
        "PGFLIGHT_SMOKE_ORG": "org",
        "PGFLIGHT_STAGING_TOKEN": "alien",
        "PGFLIGHT_MIGRATIONS": "db",
        "PGFLIGHT_EXPECTED_DATABASE": "app",
        "PGFLIGHT_APPLICATION_ROLE": "platform_app",
        "PGFLIGHT_REPLICAS": f"service=first\n{URL} {URL}",
    }
    found = block_of(find_target(None, environment), ["staging"]).as_target("prod")
    assert found.plain_values == {
        "PGFLIGHT_ENDPOINT": "https://app",
        "PGFLIGHT_TOKEN": "t0ken",
        "PGFLIGHT_SMOKE_ORG": "org",
    }
    assert (found.expected_database, found.name) == ("app", "prod")
    assert found.application_role == "platform_app"
    listed = [replica.database_url.get_secret_value() for replica in found.replicas]
    assert listed == ["service=first", URL, URL]


def test_wrong_replica_of_a_block_is_told_and_not_quoted() -> None:
    values = {"database_url": URL, "replicas": f"{URL} s3cret"}
    with pytest.raises(TargetError, match="Replica 2 of the block") as caught:
        PostgresTarget.model_validate(values).as_target("prod")
    assert "s3cret" not in str(caught.value)


def test_secret_values_are_masked_whatever_their_names() -> None:
    block = PostgresTarget.model_validate(
        {"database_url": URL, "secret_values": {"NOTE": "hush-hush"}, "values": {}}
    )
    target = block.as_target("prod")
    assert mask("he said hush-hush") == f"he said {MASK}"
    assert target.values["NOTE"] == SecretStr("hush-hush")


def test_password_that_libpq_finds_in_a_service_file_is_masked_too(
    tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = conninfo_to_dict(world.owner_url) | {"password": "fr0m-a-service-file"}
    lines = "\n".join(f"{key}={value}" for key, value in found.items())
    (tmp_path / "services").write_text(f"[staging]\n{lines}\n")
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    with psycopg.connect(world.owner_url, autocommit=True) as owner:
        owner.execute("ALTER ROLE CURRENT_USER PASSWORD 'fr0m-a-service-file'")
        try:
            target = find_target(None, {"DATABASE_URL": "service=staging"})
            with connect(target, "test") as conn:
                assert conn.info.dbname == world.database
        finally:
            old = str(conninfo_to_dict(world.owner_url)["password"])
            literal = sql.Literal(old)
            owner.execute(
                sql.SQL("ALTER ROLE CURRENT_USER PASSWORD {}").format(literal)
            )
    assert mask("it was fr0m-a-service-file") == f"it was {MASK}"
