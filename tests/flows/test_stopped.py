"""Whatever stops a run between acceptance and its end: what was accepted stays."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from flows.migration.outcome import Outcome
from flows.migration.report import Report
from flows.tasks import accept as acceptance
from flows.tasks.engine import without_prefect
from tests.fix_migrations import Dump, is_in_place, state_in_ledger

Stop = Callable[[BaseException], Report]


@pytest.fixture
def stop(
    target: None, folder: Path, ledger: None, monkeypatch: pytest.MonkeyPatch
) -> Stop:
    """Deploy, and be stopped as soon as the ledger has the last word."""
    from flows import deploy
    from flows.tasks.landed import keeping_reports

    def run(error: BaseException) -> Report:
        def accept(*given: object) -> None:
            acceptance.accept.plain(*given)  # type: ignore[arg-type]
            raise error

        monkeypatch.setattr(deploy, "accept", accept)
        with (
            without_prefect(),
            keeping_reports() as kept,
            suppress(KeyboardInterrupt, SystemExit),
        ):
            deploy.deploy_migration.fn("008", folder=str(folder))
        return kept[-1]

    return run


# What reads the log of a worker's run may be gone: its next line ends the process.
@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), SystemExit(1), RuntimeError("Prefect's")]
)
def test_what_was_accepted_stays(
    stop: Stop, owner: psycopg.Connection, dump_schema: Dump, error: BaseException
):
    assert stop(error).outcome is Outcome.DEPLOYED
    assert state_in_ledger(owner) == "accepted"
    assert is_in_place(dump_schema())
