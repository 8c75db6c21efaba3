"""Where PGFLIGHT_CI is set, a skipped test has failed: CI has all that tests need."""

import os
from collections.abc import Generator

import pytest

Reports = Generator[
    None,
    pytest.TestReport | pytest.CollectReport,
    pytest.TestReport | pytest.CollectReport,
]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Reports:
    return _without_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Reports:
    return _without_skip((yield))


def _without_skip(
    report: pytest.TestReport | pytest.CollectReport,
) -> pytest.TestReport | pytest.CollectReport:
    is_expected = hasattr(report, "wasxfail")
    if report.skipped and not is_expected and os.environ.get("PGFLIGHT_CI"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not accept: {report.longrepr}"
    return report
