"""What goes wrong with the Prefect server's API, in sentences."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import PREFECT_API_AUTH_STRING

from flows.migration.errors import BadInput


@contextmanager
def explained(url: str) -> Iterator[None]:
    """Turn the client's errors into sentences.

    Raises:
        BadInput: always one, where the block fails because of the server.
    """
    try:
        yield
    except PrefectHTTPStatusError as error:
        status = error.response.status_code
        if status not in (401, 403):
            raise BadInput(f"Prefect on {url}: {said_by(error)}") from None
        is_set = bool(PREFECT_API_AUTH_STRING.value())
        what = "does not accept PREFECT_API_AUTH_STRING" if is_set else "wants a login"
        raise BadInput(
            f"Prefect on {url} {what} ({status}); nothing was begun",
            "Set PREFECT_API_AUTH_STRING to what the server has as"
            " PREFECT_SERVER_API_AUTH_STRING.",
        ) from None
    except (httpx.TransportError, httpx.InvalidURL) as error:
        raise BadInput(
            f"Prefect does not answer on {url}: {type(error).__name__}: {error};"
            " nothing was begun",
            "Start its server, or correct PREFECT_API_URL.",
        ) from None


def said_by(error: PrefectHTTPStatusError) -> str:
    """What the server itself says of a request that it refused."""
    try:
        detail = error.response.json().get("detail")
    except ValueError:
        detail = None
    return str(detail or f"HTTP {error.response.status_code}")
