"""A target: one database with the application in front of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from pydantic import SecretStr

from flows.migration.errors import TargetError

PREFIX = "PGFLIGHT_"
MASK = "***"

_PARAMETER = re.compile(r"password=([^&]*)")
_KEY_VALUE = re.compile(r"password\s*=\s*(?:'((?:[^'\\]|\\.)*)'|([^'\s]\S*))")
_SPECIAL = re.compile(r"[:/?#\[\]@!$&'()*+,;=%\s]+")


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
        expected_database=environment.get("PGFLIGHT_EXPECTED_DATABASE", "").strip(),
    )


def _passwords(url: str) -> set[str]:
    """Every spelling of the passwords in a libpq URL or key=value string.

    A password whose special characters are not percent-encoded is cut up by libpq,
    which then quotes a piece of it as a host or a port: the pieces count too.
    """
    if "://" not in url:
        return {quoted or plain for quoted, plain in _KEY_VALUE.findall(url)} - {""}
    # Read by hand: urlsplit refuses some URLs that libpq accepts, and a
    # password must be hidden even when the rest of the URL is wrong.
    rest = url.partition("://")[2]
    authority, _, query = rest.partition("?")
    # An @ behind the ? may still belong to the password: rather too much is hidden.
    userinfos = (text.rpartition("@")[0] for text in (authority, rest))
    raw = {userinfo.partition(":")[2] for userinfo in userinfos}
    raw |= set(_PARAMETER.findall(query))
    pieces = {piece for password in raw for piece in _SPECIAL.split(password)}
    return (raw | pieces | {unquote(password) for password in raw}) - {""}
