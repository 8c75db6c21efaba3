"""What the commands' arguments may be, and what --help says of them."""

import re
from pathlib import Path
from typing import Annotated

import cyclopts
from cyclopts import Parameter

from flows.migration.manifest import LEAST_BUDGET_MS, MOST_BUDGET_MS
from flows.migration.parameters import MIGRATION_NAME, without_credential
from flows.migration.strategy import Wish
from flows.report_file import assert_report_can_be_written


def _is_a_name(_type: object, text: str) -> None:
    if not re.match(MIGRATION_NAME, text):
        raise ValueError("expected a version or a name, such as 008 or 008_active_org")


def holds_no_credential(_type: object, text: str | None) -> None:
    """Refuse what Prefect would store and show.

    Raises:
        ValueError: it looks like a connection string or a password.
    """
    without_credential(text or "")


Folder = Annotated[
    str,
    Parameter(
        help="Folder of migrations.",
        env_var="PGFLIGHT_MIGRATIONS",
        validator=holds_no_credential,
    ),
]
Version = Annotated[
    str,
    Parameter(
        help="Version or name, e.g. 008, 8 or 008_active_org.", validator=_is_a_name
    ),
]
TargetName = Annotated[
    str | None,
    Parameter(
        name="--target",
        help="Name of the target; the environment's own when left out.",
        env_var="PGFLIGHT_TARGET",
    ),
]
Budget = Annotated[
    int | None,
    Parameter(
        help="Longest wait of the application that we may cause, in milliseconds; the"
        " migration's own (2000 by default) when left out.",
        validator=cyclopts.validators.Number(gte=LEAST_BUDGET_MS, lte=MOST_BUDGET_MS),
    ),
]
Strategy = Annotated[
    Wish,
    Parameter(
        help="auto takes one transaction where that fits half the budget, and short"
        " online steps otherwise.",
    ),
]
AsJson = Annotated[
    bool,
    Parameter(
        name="--json",
        negative="",
        help="JSON on standard output, progress on standard error.",
    ),
]
ReportFile = Annotated[
    Path | None,
    Parameter(
        name="--report",
        help="Also write the report to this file: Markdown for .md, JSON for .json;"
        " however the run ends.",
        validator=assert_report_can_be_written,
    ),
]
