"""Who runs the steps: Prefect's engine, or, while Prefect is away, nobody but us."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from prefect import get_run_logger

Log = logging.Logger | logging.LoggerAdapter[logging.Logger]

_IS_AWAY = ContextVar("pgflight_without_prefect", default=False)


@contextmanager
def without_prefect() -> Iterator[None]:
    """Steps that are called in the block run as plain functions.

    A flow's own function (``deploy_migration.fn``) then needs neither a server nor a
    run: the same code, for when Prefect cannot be reached and the database cannot wait.
    """
    token = _IS_AWAY.set(True)
    try:
        yield
    finally:
        _IS_AWAY.reset(token)


def is_away() -> bool:
    """Whether this is inside of a block without Prefect."""
    return _IS_AWAY.get()


def run_log() -> Log:
    """The run's log in Prefect, or this process's own."""
    return logging.getLogger("pgflight") if is_away() else get_run_logger()
