"""A target: one database with the application in front of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from pydantic import SecretStr

from flows.migration.errors import TargetError

PREFIX = "PGFLIGHT_"
MASK = "***"


@dataclass(frozen=True)
class Target:
    """Where a migration is to go.

    Attributes:
        database_url: libpq URL or ``key=value`` string of the deploying role.
        values: what ``${NAME}`` in migration.toml stands for.
        expected_database: ``name`` or ``name@system_identifier`` that the URL must
            lead to; empty where nothing is expected.
    """

    database_url: SecretStr
    values: Mapping[str, SecretStr] = field(default_factory=dict)
    expected_database: str = ""

    @property
    def plain_values(self) -> dict[str, str]:
        """The values in clear: for the probes' requests, never for printing."""
        return {name: value.get_secret_value() for name, value in self.values.items()}

    def redact(self, text: str) -> str:
        """Replace the password and the token wherever they stand in a text."""
        for secret in sorted(self._secrets(), key=len, reverse=True):
            text = text.replace(secret, MASK)
        return text

    def _secrets(self) -> set[str]:
        url = self.database_url.get_secret_value()
        found = {url, *_passwords(url)}
        found |= {
            value.get_secret_value()
            for name, value in self.values.items()
            if "TOKEN" in name or "PASSWORD" in name or "SECRET" in name
        }
        return {secret for secret in found if len(secret) >= 3}


def target_from_environment(environment: Mapping[str, str]) -> Target:
    """Read the target from DATABASE_URL and the PGFLIGHT_… variables.

    Raises:
        TargetError: DATABASE_URL is missing or empty.
    """
    url = environment.get("DATABASE_URL", "").strip()
    if not url:
        raise TargetError(
            "DATABASE_URL is not set",
            "Set it to the database to deploy to, as the role that owns the tables:"
            " export DATABASE_URL=postgresql://owner:password@host:5432/database",
        )
    return Target(
        database_url=SecretStr(url),
        values={
            name: SecretStr(value)
            for name, value in environment.items()
            if name.startswith(PREFIX)
        },
        expected_database=environment.get("PGFLIGHT_EXPECTED_DATABASE", ""),
    )


def _passwords(url: str) -> set[str]:
    """Every spelling of the password in a libpq URL or key=value string."""
    if "://" not in url:
        _, _, rest = url.partition("password=")
        return {rest.split(" ")[0].strip("'")} if rest else set()
    # Read by hand: urlsplit refuses some URLs that libpq accepts, and a
    # password must be hidden even when the rest of the URL is wrong.
    userinfo, at, _ = url.partition("://")[2].rpartition("@")
    raw = userinfo.partition(":")[2] if at else ""
    query = url.partition("?")[2]
    for part in query.split("&"):
        if part.startswith("password="):
            raw = part.removeprefix("password=")
    return {raw, unquote(raw)} if raw else set()

