"""The Prefect server's API: one client of the server that is named."""

from collections.abc import Iterator
from contextlib import contextmanager

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.settings import PREFECT_API_URL

from flows.api_trouble import explained
from flows.migration.errors import BadInput


@contextmanager
def server() -> Iterator[SyncPrefectClient]:
    """A client of the server that PREFECT_API_URL, or the profile, names.

    Raises:
        BadInput: none is named, it does not answer, or it wants to know who asks.
    """
    url = PREFECT_API_URL.value()
    if not url:
        raise BadInput(
            "PREFECT_API_URL is not set, so there is no server to ask",
            "Set it to your Prefect server's: http://host:4200/api",
        )
    with explained(url), get_client(sync_client=True) as client:
        client.request("GET", "/admin/version")
        yield client
