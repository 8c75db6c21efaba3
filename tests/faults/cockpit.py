"""What runs in a pilot's process; it is imported once, and forked for each flight."""

import logging
import os
import sys
import traceback
from importlib import import_module
from multiprocessing.connection import Connection

from flows.here import prepare_prefect

prepare_prefect()

from flows.deploy import deploy_migration  # noqa: E402
from flows.migration.report import Report  # noqa: E402
from flows.recover import recover_migrations  # noqa: E402
from flows.rollback import rollback_migration  # noqa: E402
from flows.tasks.engine import without_prefect  # noqa: E402
from flows.tasks.landing import report_of  # noqa: E402
from tests.faults.pilot import REPORT, Order  # noqa: E402
from tests.faults.teeth import switch_off  # noqa: E402


def fly(order: Order, out: Connection) -> None:
    """Fly the real flow; all that it says goes to the pipe, its report last."""
    for stream in (1, 2):
        os.dup2(out.fileno(), stream)
    sys.stdout = os.fdopen(1, "w", buffering=1)
    sys.stderr = os.fdopen(2, "w", buffering=1)
    handler = logging.StreamHandler(sys.stdout)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    os.environ.update(order.environment)
    for name, value in order.settings.items():
        module, _, attribute = name.rpartition(".")
        setattr(import_module(module), attribute, _meant(value))
    for guard in order.without:
        switch_off(guard)
    try:
        with without_prefect():
            report = _flown(order)
    except BaseException:
        traceback.print_exc()
        raise
    sys.stdout.write(f"{REPORT}{report.model_dump_json()}\n")
    sys.stdout.flush()


def _flown(order: Order) -> Report:
    if order.action == "deploy":
        state = deploy_migration.fn(
            "008",
            folder=order.folder,
            budget_ms=order.budget_ms,
            strategy=order.strategy,
            workers=order.workers,
        )
    elif order.action == "recover":
        state = recover_migrations.fn(folder=order.folder)
    else:
        state = rollback_migration.fn(
            "008", confirm="008", folder=order.folder, budget_ms=order.budget_ms
        )
    return report_of(state)


def _meant(value: object) -> object:
    """Of a function only the name can be sent to another process."""
    if isinstance(value, str) and value.startswith("tests."):
        module, _, attribute = value.rpartition(".")
        return getattr(import_module(module), attribute)
    return value
