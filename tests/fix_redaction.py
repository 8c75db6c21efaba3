"""No test knows the secrets of another one."""

import pytest

from flows.migration import redaction
from flows.migration.redaction import Redaction


@pytest.fixture(autouse=True)
def no_secrets_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "KNOWN", Redaction())
