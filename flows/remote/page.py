"""Where a run is to be looked at."""

from contextlib import suppress
from uuid import UUID

import httpx
from prefect.settings import PREFECT_UI_URL
from prefect.utilities.urls import url_for

PATIENCE_S = 2.0


def page_of(run_id: UUID) -> str | None:
    """The run's page in the UI that its server shows by default.

    Prefect 3.8.8 has two, and its own `url_for` leads to the old one.
    """
    page, base = url_for("flow-run", run_id), PREFECT_UI_URL.value()
    if not page or not base or not page.startswith(base):
        return page
    # Prefect Cloud has but one, and no such address.
    with suppress(httpx.HTTPError, ValueError, KeyError):
        settings = httpx.get(f"{base}/ui-settings", timeout=PATIENCE_S).json()
        # Null where the server serves no UI at all.
        prefix = settings[f"{settings['default_ui']}_base_url"] or ""
        return f"{base}{prefix.rstrip('/')}{page.removeprefix(base)}"
    return page
