"""Redaction: every spelling of a secret, and nothing else."""

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest
from pydantic import BaseModel, SecretStr, TypeAdapter, ValidationError

from flows.migration.errors import Blocked
from flows.migration.redaction import (
    MASK,
    hide,
    mask,
    masked_error,
    masked_in,
    masked_model,
    secrets_of,
)
from flows.migration.target import Target

URL = "postgresql://owner:s3cret@db:5432/app"
WILD = "p@ss:w/o?r#d%20&=+'\"\\ ü"


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        (URL, "s3cret"),
        ("postgresql://owner:a%40s3cret%2F@db/app", "a@s3cret/"),
        ("postgresql://owner:a%40s3cret%2F@db/app", "a%40s3cret%2F"),
        ("postgresql://owner:a%40s3cret%2F@db/app", "a%40s3cret%2f"),
        ("postgresql://owner:a@s3cret@db/app", "a@s3cret"),
        ("postgresql://owner:a/s3cret@db/app", "a/s3cret"),
        ("postgresql://owner:x@a?s3cret@db/app", "x@a?s3cret"),
        ("postgresql://owner:s3cret@db/app?options=a@b", "s3cret"),
        ("postgresql://owner@db/app?password=s3cret&x=1", "s3cret"),
        ("postgresql://owner@db/app?sslpassword=s3cret", "s3cret"),
        ("host=db password=s3cret user=owner", "s3cret"),
        ("host=db password = 'a s3cret' user=owner", "a s3cret"),
        (r"host=db password='a\' s3cret'", r"a\' s3cret"),
        (r"host=db password='a\' s3cret'", "a' s3cret"),
        (r"host=db password=a\ s3cret user=x", "a s3cret"),
        ("sslpassword=other password=s3cret", "s3cret"),
    ],
)
def test_password_is_masked_however_it_is_written(url: str, secret: str) -> None:
    Target(SecretStr(url))
    assert mask(f'no host "{secret}" in {url}') == f'no host "{MASK}" in {MASK}'


SPELLINGS = {
    "as it is": WILD,
    "percent": quote(WILD, safe=""),
    "percent, as httpx does": quote(WILD, safe="/:@!$&'()*+,;="),
    "form": quote_plus(WILD),
    "json": json.dumps(WILD)[1:-1],
    "json in utf-8": json.dumps(WILD, ensure_ascii=False)[1:-1],
    "repr": repr(WILD)[1:-1],
    "bytes": repr(WILD.encode())[2:-1],
    "sql": WILD.replace("'", "''"),
    "html": html.escape(WILD),
    "base64": base64.b64encode(WILD.encode()).decode(),
    "repr of a repr": repr(f"{WILD!r}")[1:-1],
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_is_masked(spelling: str) -> None:
    hide([WILD])
    masked = mask(f"<{SPELLINGS[spelling]}>")
    assert masked.strip("<='\"\\>") == MASK


@pytest.mark.parametrize(
    "name",
    [
        "PGFLIGHT_TOKEN",
        "PGFLIGHT_MY_PASSWORD",
        "PGFLIGHT_API_KEY",
        "PGFLIGHT_SECRET_2",
        "PGPASSWORD",
        "PREFECT_API_KEY",
    ],
)
def test_secret_variables_are_masked(name: str) -> None:
    hide(secrets_of({name: "t0ken-of-mine\n", "PGFLIGHT_ENDPOINT": "http://app"}))
    assert mask("Bearer t0ken-of-mine to http://app") == f"Bearer {MASK} to http://app"


@pytest.mark.parametrize("name", ["PGFLIGHT_REPLICAS", "PGFLIGHT_EU_1_REPLICAS"])
@pytest.mark.parametrize("between", [" ", "\n"])
def test_passwords_of_all_replicas_are_masked(name: str, between: str) -> None:
    urls = [URL, f"postgresql://r:{quote(WILD, safe='')}@db2/app"]
    hide(secrets_of({name: between.join(urls)}))
    assert mask(f"s3cret {WILD}") == f"{MASK} {MASK}"


def test_target_hides_what_it_knows_of_its_replicas() -> None:
    database = SecretStr("postgresql://owner@db/app")
    Target(database, replica_urls=(SecretStr(URL),))
    assert mask("it is s3cret") == f"it is {MASK}"


def test_password_that_a_space_cuts_in_two_is_masked() -> None:
    hide(secrets_of({"PGFLIGHT_REPLICAS": "postgresql://r:first second@db/app"}))
    assert mask("it is first second") == f"it is {MASK}"


def test_passwords_of_replicas_as_key_values_are_masked() -> None:
    hide(secrets_of({"PGFLIGHT_REPLICAS": "host=a password='x y z'\nservice=b"}))
    assert mask("it is x y z") == f"it is {MASK}"


def test_login_of_the_endpoint_is_masked() -> None:
    hide(secrets_of({"PGFLIGHT_ENDPOINT": "https://me:s3cret@app"}))
    assert mask("s3cret") == MASK


def test_login_that_nobody_knows_is_masked() -> None:
    text = "see https://me:hidden@app/path and 'ftp://token@x'"
    assert mask(text) == f"see https://{MASK}@app/path and 'ftp://{MASK}@x'"
    assert mask("host=x password='a b' user=y") == f"host=x password={MASK} user=y"


def test_our_own_example_stays() -> None:
    text = "export DATABASE_URL=postgresql://owner:password@host:5432/database"
    assert mask(text) == text


def test_ordinary_values_and_text_stay() -> None:
    Target(SecretStr(URL), {"PGFLIGHT_ENDPOINT": SecretStr("http://app")})
    text = "http://app asks host db as owner of app"
    assert mask(text) is text


def test_url_without_a_password_masks_nothing_else() -> None:
    Target(SecretStr("postgresql://owner@db:5432/app"))
    assert mask("owner at db:5432") == "owner at db:5432"


def test_short_secret_is_masked_as_a_word_only() -> None:
    hide(["org", "ab"])
    assert mask("org_id of an organisation: org, ab") == (
        f"{MASK}_id of an organisation: {MASK}, ab"
    )


def test_json_stays_json() -> None:
    hide([WILD])
    told = {"a": [f"x{WILD}", 1, None], WILD: (True,)}
    assert json.loads(json.dumps(masked_in(told))) == {
        "a": [f"x{MASK}", 1, None],
        MASK: [True],
    }


class Line(BaseModel):
    text: str


def test_model_is_masked_and_stays_itself_without_a_secret() -> None:
    hide([WILD])
    clean = Line(text="fine")
    assert masked_model(clean) is clean
    assert masked_model(Line(text=WILD)) == Line(text=MASK)


def _raised(error: Exception) -> Exception:
    try:
        try:
            raise ValueError(WILD)
        except ValueError as cause:
            raise error from cause
    except Exception as raised:
        return raised


def test_error_keeps_its_kind() -> None:
    hide([WILD])
    error = masked_error(_raised(Blocked(f"no {WILD}", f"try {WILD!r}")))
    assert isinstance(error, Blocked)
    assert (error.message, error.help) == (f"no {MASK}", f"try '{MASK}'")
    assert str(error.__cause__) == MASK


def test_error_that_cannot_be_changed_is_replaced() -> None:
    hide([WILD])
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(int).validate_python(WILD)
    error = masked_error(caught.value)
    assert WILD not in str(error) and repr(WILD) not in str(error)
    assert str(error).startswith("ValidationError: ")
    assert error.__traceback__ is caught.value.__traceback__


def test_error_without_a_secret_is_left_alone() -> None:
    hide([WILD])
    error = KeyError("x")
    assert masked_error(error) is error
    assert error.args == ("x",)
