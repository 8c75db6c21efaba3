"""The target: where it comes from, and what is never shown of it."""

import pytest

from flows.migration.errors import TargetError
from flows.migration.target import target_from_environment

URL = "postgresql://owner:s3cret@db:5432/app"


@pytest.mark.parametrize("environment", [{}, {"DATABASE_URL": " \n"}])
def test_missing_url_is_refused(environment: dict[str, str]) -> None:
    with pytest.raises(TargetError, match="DATABASE_URL is not set") as caught:
        target_from_environment(environment)
    assert "export DATABASE_URL=" in caught.value.help


def test_values_are_the_variables_of_pgflight() -> None:
    environment = {"DATABASE_URL": URL, "PGFLIGHT_TOKEN": "t0ken", "HOME": "/root"}
    target = target_from_environment(environment)
    assert target.plain_values == {"PGFLIGHT_TOKEN": "t0ken"}


def test_expected_database_is_read() -> None:
    environment = {"DATABASE_URL": URL, "PGFLIGHT_EXPECTED_DATABASE": " app \n"}
    assert target_from_environment(environment).expected_database == "app"


def test_target_shows_no_secret() -> None:
    environment = {"DATABASE_URL": URL, "PGFLIGHT_TOKEN": "t0ken"}
    shown = repr(target_from_environment(environment))
    assert "s3cret" not in shown
    assert "t0ken" not in shown


@pytest.mark.parametrize(
    "login", ["u:a@b", "u:a/b", "u@corp:a", "u:a@b/c?d", "u:x@h?sslmode=b"]
)
def test_login_that_libpq_would_cut_up_is_refused(login: str) -> None:
    environment = {"DATABASE_URL": f"postgresql://{login}@db:5432/app"}
    with pytest.raises(TargetError, match="an @ behind its host") as caught:
        target_from_environment(environment)
    assert "%40" in caught.value.help


LISTS = [
    f"{URL} postgres://u@b/app",
    f"\n {URL}\n\tpostgres://u@b/app \n",
    f"{URL}\r\npostgres://u@b/app",
]


@pytest.mark.parametrize("text", LISTS)
def test_replicas_are_listed_with_spaces_or_line_breaks(text: str) -> None:
    environment = {"DATABASE_URL": URL, "PGFLIGHT_REPLICAS": text}
    target = target_from_environment(environment)
    found = [replica.database_url.get_secret_value() for replica in target.replicas]
    assert found == [URL, "postgres://u@b/app"]
    assert target.plain_values == {}


def test_key_values_are_one_a_line() -> None:
    text = "host=a user=reader password='a b'\nservice=second"
    target = target_from_environment({"DATABASE_URL": URL, "PGFLIGHT_REPLICAS": text})
    assert [replica.source for replica in target.replicas] == ["replica 1", "replica 2"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"{URL} s3cret", "Replica 2 of PGFLIGHT_REPLICAS is neither a URL"),
        ("postgresql://u:a s3cret@db/app", "Replica 2 of PGFLIGHT_REPLICAS is neith"),
        ("service=s3cret service=b", "Replica 1 of PGFLIGHT_REPLICAS says the same"),
        ("postgresql://u:a@s3cret@db/app", "replica 1 of PGFLIGHT_REPLICAS has an @"),
    ],
)
def test_list_of_replicas_that_is_wrong_is_refused_and_not_quoted(
    text: str, told: str
) -> None:
    with pytest.raises(TargetError, match=told) as caught:
        target_from_environment({"DATABASE_URL": URL, "PGFLIGHT_REPLICAS": text})
    assert "s3cret" not in str(caught.value)


def test_application_role_is_read_and_is_no_value_for_probes() -> None:
    environment = {"DATABASE_URL": URL, "PGFLIGHT_APPLICATION_ROLE": " app \n"}
    target = target_from_environment(environment)
    assert (target.application_role, target.plain_values) == ("app", {})


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:a:b?c#d@h1,h2:5433/app?target_session_attrs=read-write",
        "postgres:///app?user=me%40corp",
        "host=db user=me@corp password=a@b",
    ],
)
def test_unusual_strings_are_taken(url: str) -> None:
    target = target_from_environment({"DATABASE_URL": url})
    assert target.database_url.get_secret_value() == url
