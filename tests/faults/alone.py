"""A flight without Prefect, in this process: as fast as the code that is flown."""

from pathlib import Path
from typing import Any

from flows.migration.report import Report
from flows.tasks.engine import without_prefect


def deploy(folder: Path, version: str = "008", **parameters: Any) -> Report:
    from flows.deploy import deploy_migration

    return _fly(deploy_migration.fn, folder, version, **parameters)


def roll_back(folder: Path, version: str = "008") -> Report:
    from flows.rollback import rollback_migration

    return _fly(rollback_migration.fn, folder, version, confirm=version)


def verify(folder: Path, version: str = "008") -> Report:
    from flows.verify import verify_migration

    return _fly(verify_migration.fn, folder, version)


def recover(folder: Path) -> Report:
    from flows.recover import recover_migrations

    return _fly(recover_migrations.fn, folder)


def _fly(flow: Any, folder: Path, *version: str, **parameters: Any) -> Report:
    from flows.tasks.landing import report_of

    with without_prefect():
        return report_of(flow(*version, folder=str(folder), **parameters))
