"""The demo's tokens: only the signed user gets through."""

from uuid import UUID

import pytest

from flows.demo.bearer import issue_token, user_of

USER = UUID(int=1)
SOMEBODY_ELSE = UUID(int=2)
TOKEN = issue_token(USER, "secret")


def test_token_names_its_user():
    assert user_of(TOKEN, "secret") == USER


@pytest.mark.parametrize(
    "forged",
    [
        "",
        ".",
        "é",
        TOKEN[:-1],
        TOKEN.replace(str(USER), str(SOMEBODY_ELSE)),
        f"{USER}.",
    ],
)
def test_forged_token_names_nobody(forged):
    assert user_of(forged, "secret") is None


def test_token_of_another_secret_names_nobody():
    assert user_of(TOKEN, "another") is None
