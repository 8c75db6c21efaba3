"""The place that a URL names: the same whoever connects, and without a secret."""

import pytest
from pydantic import SecretStr

from flows.database.place import place_of
from flows.migration.target import Target


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://owner:s3cret@db.example:5433/app",
        "postgres://app:other@db.example:5433/app?sslmode=require",
        "host=db.example port=5433 dbname=app user=owner password='s3 cret'",
    ],
)
def test_place_is_the_same_for_every_spelling(url: str) -> None:
    assert place_of(Target(SecretStr(url))) == "db.example:5433/app"


def test_what_is_left_out_is_libpqs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "other")
    monkeypatch.delenv("PGPORT", raising=False)
    assert place_of(Target(SecretStr("postgresql:///app"))) == "other:5432/app"
