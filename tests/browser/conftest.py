"""Headless Chromium on a real Prefect server's UI, driven by Playwright.

PGFLIGHT_TEST_SCREENSHOTS names the directory that pictures are kept in.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.browser.ui import Ui
from tests.fix_deployments import LOGIN, Deployments

KEPT = os.environ.get("PGFLIGHT_TEST_SCREENSHOTS")
PATIENCE_MS = 120_000

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_PROGRAM = next(filter(None, map(shutil.which, _NAMES)), None)


@pytest.fixture(scope="module")
def ui(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ui]:
    """The UI, logged in. No Prefect is started where there is no browser."""
    if _PROGRAM is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    deployments: Deployments = request.getfixturevalue("deployments")
    # Chromium's own sandbox refuses root; /dev/shm is small in a container.
    options = ["--disable-dev-shm-usage", *["--no-sandbox"] * (os.geteuid() == 0)]
    pictures = Path(KEPT) if KEPT else tmp_path_factory.mktemp("pictures")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=_PROGRAM,
            args=options,
            # Or it writes into the user's own.
            env={**os.environ, "HOME": str(tmp_path_factory.mktemp("home"))},
        )
        context = browser.new_context(viewport={"width": 1200, "height": 900})
        context.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        ui = Ui(context.new_page(), deployments.api.removesuffix("/api"), pictures)
        ui.log_in(LOGIN)
        yield ui
        browser.close()
