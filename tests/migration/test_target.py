"""The target: where it comes from, and what is never shown of it."""

import pytest
from pydantic import SecretStr

from flows.migration.errors import TargetError
from flows.migration.target import MASK, Target, target_from_environment

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
    ("url", "secret"),
    [
        (URL, "s3cret"),
        ("postgresql://owner:a%40s3cret%2F@db/app", "a@s3cret/"),
        ("postgresql://owner:a%40s3cret%2F@db/app", "a%40s3cret%2F"),
        ("postgresql://owner:a@s3cret@db/app", "s3cret"),
        ("postgresql://owner:a/s3cret@db/app", "s3cret"),
        ("postgresql://owner:a?s3cret@db/app", "s3cret"),
        ("postgresql://owner:x@a?s3cret@db/app", "s3cret"),
        ("postgresql://owner:s3cret@db/app?options=a@b", "s3cret"),
        ("postgresql://owner@db/app?password=s3cret&x=1", "s3cret"),
        ("postgresql://owner@db/app?sslpassword=s3cret", "s3cret"),
        ("host=db password=s3cret user=owner", "s3cret"),
        ("host=db password = 'a s3cret' user=owner", "a s3cret"),
        (r"host=db password='a\' s3cret'", r"a\' s3cret"),
        ("sslpassword=other password=s3cret", "s3cret"),
    ],
)
def test_password_is_masked_however_it_is_written(url: str, secret: str) -> None:
    text = Target(SecretStr(url)).redact(f'no host "{secret}" in {url}')
    assert text == f'no host "{MASK}" in {MASK}'


@pytest.mark.parametrize("name", ["PGFLIGHT_TOKEN", "PGFLIGHT_MY_PASSWORD"])
def test_secret_values_are_masked(name: str) -> None:
    target = Target(SecretStr(URL), {name: SecretStr("t0ken")})
    assert target.redact("Bearer t0ken") == f"Bearer {MASK}"


def test_ordinary_values_and_text_stay() -> None:
    target = Target(SecretStr(URL), {"PGFLIGHT_ENDPOINT": SecretStr("http://app")})
    text = "http://app asks host db as owner of app"
    assert target.redact(text) == text


def test_url_without_a_password_masks_nothing_else() -> None:
    target = Target(SecretStr("postgresql://owner@db:5432/app"))
    assert target.redact("owner at db:5432") == "owner at db:5432"
