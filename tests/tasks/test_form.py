"""A flow as Prefect's form shows it: what it runs again, and where."""

import pytest
from prefect import flow
from prefect.client.schemas.objects import State
from prefect.settings import PREFECT_RESULTS_PERSIST_BY_DEFAULT, temporary_settings
from prefect.states import Completed

from flows.tasks.form import migration_flow


@pytest.mark.usefixtures("prefect")
def test_flow_is_never_answered_from_what_was_stored() -> None:
    """As by the Retry button: its parent's run begins anew, and so must it."""
    calls: list[str] = []

    @migration_flow("inner", "inner")
    def inner() -> State[str]:
        calls.append("inner")
        return Completed(data="done")

    @flow(name="outer", retries=1)
    def outer() -> None:
        inner()
        calls.append("outer")
        if len(calls) == 2:
            raise LookupError("once more")

    with temporary_settings({PREFECT_RESULTS_PERSIST_BY_DEFAULT: True}):
        outer()
    assert calls == ["inner", "outer"] * 2
