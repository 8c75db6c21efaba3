"""The fixtures of all tests, one plugin module a concern."""

import os
from tempfile import TemporaryDirectory

import pytest

from tests.in_memory import keep_temporary_files_in_memory

keep_temporary_files_in_memory()
# Before Prefect is imported: in the user's home it would leave results and notes.
_HOME = TemporaryDirectory(prefix="pgflight-tests-")
os.environ["PREFECT_HOME"] = _HOME.name
# No test speaks TLS, and for each of its clients Prefect would read all authorities
# that there are: 18 ms of the processor's time.
os.environ["SSL_CERT_DIR"] = _HOME.name

# A module after those that it imports: pytest rewrites assertions at the first import.
pytest_plugins = [
    "tests.fix_ci",
    "tests.fix_redaction",
    "tests.fix_server",
    "tests.fix_standby",
    "tests.fix_pgbouncer",
    "tests.fix_migrations",
    "tests.fix_flight",
    "tests.fix_stretched",
    "tests.fix_prefect",
    "tests.fix_secrets",
    "tests.fix_sabotage",
    "tests.fix_scripts",
    "tests.fix_deployments",
    "tests.fix_newcomer",
]

LONGEST = ["test_prefect_crashes", "test_prefect_deployments", "test_readme", "test_ui"]
"""Minutes each, and a file is one worker's: none of them may be left for the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(LONGEST)))


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: tests wait as much as they work."""
    return min((os.cpu_count() or 1) + 1, 4)
