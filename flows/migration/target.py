"""A target: one database with the application in front of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pydantic import SecretStr

from flows.migration.connection_strings import connection_strings, problem_of
from flows.migration.errors import TargetError
from flows.migration.redaction import hide, replica_secrets, secrets_of, url_secrets

PREFIX = "PGFLIGHT_"
URL_VARIABLE = "DATABASE_URL"
REPLICAS_VARIABLE = f"{PREFIX}REPLICAS"
ROLE_VARIABLE = f"{PREFIX}APPLICATION_ROLE"
TARGET_NAME = r"^[a-z0-9][a-z0-9-]*$"
LONGEST_NAME = 100


# Not for a probe to send.
_OF_THE_TARGET = (REPLICAS_VARIABLE, ROLE_VARIABLE)


@dataclass(frozen=True)
class Target:
    """Where a migration is to go.

    Attributes:
        database_url: libpq URL or ``key=value`` string of the deploying role.
        values: what ``${NAME}`` in migration.toml stands for.
        expected_database: ``name`` or ``name@system_identifier`` that the URL must
            lead to; empty where nothing is expected.
        name: as whoever chose it calls it; empty for the environment's own.
        source: where its URL stands, for messages.
        secrets: values that are secret whatever their names say.
        replica_urls: of its streaming standbys that the application reads from.
        application_role: the role that the application logs in as; empty where that
            is not told.
    """

    database_url: SecretStr
    values: Mapping[str, SecretStr] = field(default_factory=dict)
    expected_database: str = ""
    name: str = ""
    source: str = URL_VARIABLE
    secrets: tuple[SecretStr, ...] = ()
    replica_urls: tuple[SecretStr, ...] = ()
    application_role: str = ""

    def __post_init__(self) -> None:
        """From here on nothing that this process says may have its secrets in it."""
        hide(url_secrets(self.database_url.get_secret_value()))
        hide(secrets_of(self.plain_values))
        hide(secret.get_secret_value() for secret in self.secrets)
        for url in self.replica_urls:
            hide(url_secrets(url.get_secret_value()))

    @property
    def replicas(self) -> tuple["Target", ...]:
        """Each replica as a place to ask; nothing is ever deployed there."""
        return tuple(
            Target(url, source=f"replica {number}")
            for number, url in enumerate(self.replica_urls, start=1)
        )

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
    assert_unambiguous(url)
    return Target(
        database_url=SecretStr(url),
        values={
            name: SecretStr(value)
            for name, value in environment.items()
            if name.startswith(PREFIX) and name not in _OF_THE_TARGET
        },
        replica_urls=replicas_in(environment.get(REPLICAS_VARIABLE, "")),
        application_role=environment.get(ROLE_VARIABLE, "").strip(),
        expected_database=environment.get("PGFLIGHT_EXPECTED_DATABASE", "").strip(),
    )


def target_in_environment(
    environment: Mapping[str, str], name: str | None
) -> Target | None:
    """The environment's own target, or a named set in it.

    For the target ``staging`` that is DATABASE_URL_STAGING and PGFLIGHT_STAGING_…,
    and nothing else: another target's token is never sent to its application.

    Returns:
        None where the environment has no such set.

    Raises:
        TargetError: no name is given, and DATABASE_URL is missing.
    """
    if name is None:
        return target_from_environment(environment)
    suffix = variable_part(name)
    variable, prefix = f"{URL_VARIABLE}_{suffix}", f"{PREFIX}{suffix}_"
    if not environment.get(variable, "").strip():
        return None
    own = {
        PREFIX + key.removeprefix(prefix): value
        for key, value in environment.items()
        if key.startswith(prefix)
    }
    hide(url_secrets(environment[variable].strip()))
    assert_unambiguous(environment[variable].strip(), variable)
    found = target_from_environment({URL_VARIABLE: environment[variable]} | own)
    return replace(found, name=name, source=variable)


def replicas_in(text: str, source: str = REPLICAS_VARIABLE) -> tuple[SecretStr, ...]:
    """The replicas that a text lists, one a line, or URLs with spaces between them.

    Raises:
        TargetError: one of them is no connection string; none is quoted.
    """
    hide(replica_secrets(text))
    found = connection_strings(text)
    for number, string in enumerate(found, start=1):
        place = f"replica {number} of {source}"
        problem = problem_of(string)
        if problem:
            raise TargetError(
                f"{place[0].upper()}{place[1:]} {problem}",
                "List URLs, postgresql://user:password@host:5432/database, with"
                " spaces or line breaks between them and special characters"
                " percent-encoded; key=value strings and service=NAME one a line.",
            )
        assert_unambiguous(string, place)
    return tuple(map(SecretStr, found))


def variable_part(name: str) -> str:
    """A target's name as it stands in the names of variables: STAGING."""
    return name.upper().replace("-", "_")


def assert_is_name(text: str) -> None:
    """A text may name a target.

    Raises:
        TargetError: it may not; it is not quoted, as it may be a URL that was meant
            for somewhere else.
    """
    if len(text) > LONGEST_NAME or not re.fullmatch(TARGET_NAME, text):
        raise TargetError(
            "A target is named by lower-case letters, digits and dashes",
            "Name it as in --target staging; its URL belongs into a block or the"
            " environment (DATABASE_URL_STAGING).",
        )


def named_in_environment(environment: Mapping[str, str]) -> list[str]:
    """The names of the sets that the environment has."""
    return sorted(
        variable.removeprefix(f"{URL_VARIABLE}_").lower().replace("_", "-")
        for variable, value in environment.items()
        if variable.startswith(f"{URL_VARIABLE}_") and value.strip()
    )


def assert_unambiguous(url: str, source: str = URL_VARIABLE) -> None:
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
            f"{source} has an @ behind its host: where its password ends is not"
            " certain",
            "Percent-encode the special characters of user, password and parameters:"
            " @ is %40, / is %2F, : is %3A, ? is %3F, # is %23, % is %25.",
        )
