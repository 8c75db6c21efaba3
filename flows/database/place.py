"""The place that a target's URL names: no user, and no secret."""

import os

from psycopg.conninfo import conninfo_to_dict

from flows.migration.target import Target

_FROM_ENVIRONMENT = {
    "host": ("PGHOST", "localhost"),
    "port": ("PGPORT", "5432"),
    "dbname": ("PGDATABASE", ""),
}


def place_of(target: Target) -> str:
    """``host:port/database``, as libpq will read the URL; or a libpq service."""
    named = conninfo_to_dict(target.database_url.get_secret_value())
    service = named.get("service") or os.environ.get("PGSERVICE")
    if service and not named.get("host"):
        return f"service {service}"
    host, port, database = (
        str(named.get(key) or os.environ.get(variable) or default)
        for key, (variable, default) in _FROM_ENVIRONMENT.items()
    )
    return f"{named.get('hostaddr') or host}:{port}/{database}"
