"""A target: one database with the application in front of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import SecretStr

from flows.migration.errors import TargetError
from flows.migration.redaction import hide, secrets_of, url_secrets

PREFIX = "PGFLIGHT_"


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

    def __post_init__(self) -> None:
        """From here on nothing that this process says may have its secrets in it."""
        hide(url_secrets(self.database_url.get_secret_value()))
        hide(secrets_of(self.plain_values))

    @property
    def plain_values(self) -> dict[str, str]:
        """The values in clear: for the probes' requests, never for printing."""
        return {name: value.get_secret_value() for name, value in self.values.items()}


def target_from_environment(environment: Mapping[str, str]) -> Target:
    """Read the target from DATABASE_URL and the PGFLIGHT_… variables.

    Raises:
        TargetError: DATABASE_URL is missing, empty, or not what it looks like.
    """
    hide(secrets_of(environment))
    url = environment.get("DATABASE_URL", "").strip()
    if not url:
        raise TargetError(
            "DATABASE_URL is not set",
            "Set it to the database to deploy to, as the role that owns the tables:"
            " export DATABASE_URL=postgresql://owner:password@host:5432/database",
        )
    _assert_unambiguous(url)
    return Target(
        database_url=SecretStr(url),
        values={
            name: SecretStr(value)
            for name, value in environment.items()
            if name.startswith(PREFIX)
        },
        expected_database=environment.get("PGFLIGHT_EXPECTED_DATABASE", "").strip(),
    )


def _assert_unambiguous(url: str) -> None:
    """libpq ends a login at the first @ that no / precedes.

    With another @ further on, a piece of the password may be taken for a host, a
    database or a parameter: be asked for in DNS, and be named in an error.
    """
    scheme, _, rest = url.partition("://")
    if scheme not in ("postgresql", "postgres"):
        return
    login, at, _ = rest.partition("/")[0].partition("@")
    behind = rest[len(login) + 1 :] if at else rest
    if "@" in behind:
        raise TargetError(
            "DATABASE_URL has an @ behind its host: where its password ends is not"
            " certain",
            "Percent-encode the special characters of user, password and parameters:"
            " @ is %40, / is %2F, : is %3A, ? is %3F, # is %23, % is %25.",
        )
