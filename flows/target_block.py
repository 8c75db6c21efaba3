"""A target as a Prefect block: a form in the UI, its secrets kept on the server."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from uuid import UUID

from prefect.blocks.core import Block
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import BlockDocument
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.settings import PREFECT_API_URL
from prefect.types import SecretDict
from pydantic import ConfigDict, Field, SecretStr, ValidationError

from flows.api_trouble import explained
from flows.migration.errors import BadInput, TargetError
from flows.migration.parameters import BLOCK_TYPE, BlockReference
from flows.migration.target import (
    PREFIX,
    Target,
    assert_is_name,
    assert_unambiguous,
    named_in_environment,
    replicas_in,
    target_from_environment,
    target_in_environment,
    variable_part,
)

_HOW = (
    "Make one in the UI (Blocks → + → PostgreSQL target), or with `pgflight register"
    " NAME` from DATABASE_URL and PGFLIGHT_… here."
)


# Of the command line and of the environment, not of the target.
_OURS = tuple(f"{PREFIX}{name}" for name in ("MIGRATIONS", "TARGET", "EXPECTED_"))


class PostgresTarget(Block):
    """A PostgreSQL database with the application in front of it."""

    _block_type_name: ClassVar[str | None] = "PostgreSQL target"
    _block_type_slug: ClassVar[str | None] = BLOCK_TYPE
    _description: ClassVar[str | None] = (
        "Where pgflight's migrations go: a PostgreSQL database, and the application in"
        " front of it that is smoke-tested."
    )

    # A wrong value may be a secret: no error quotes it.
    model_config = ConfigDict(hide_input_in_errors=True)

    database_url: SecretStr = Field(
        title="Database URL",
        description="As the role that owns the tables:"
        " postgresql://owner:password@host:5432/database, with special characters in"
        " the password percent-encoded. Or service=NAME, to keep the password in"
        " libpq's service file on the worker.",
    )
    application_role: str = Field(
        default="",
        title="Application role",
        description="The database role that the application logs in as. Preflight then"
        " asks whether it is there, and the verification whether it may use what a"
        " migration has made. Example: platform_app",
    )
    # One text: of a list of secrets Prefect's form shows a single row of asterisks.
    replicas: SecretStr | None = Field(
        default=None,
        title="Replicas",
        description="Database URLs of the streaming standbys that the application reads"
        " from, with spaces between them; as a role that may read there. Preflight asks"
        " each whether it keeps up and who would hold it up, and the verification waits"
        " until it shows the migration. Never written to.",
    )
    endpoint: str = Field(
        default="",
        title="Endpoint",
        description="Base URL of the application, for the smoke test: ${PGFLIGHT_"
        "ENDPOINT} in migration.toml. Example: https://app.example.com",
    )
    token: SecretStr | None = Field(
        default=None,
        title="Token",
        description="What the smoke test logs in with: ${PGFLIGHT_TOKEN} in"
        " migration.toml.",
    )
    values: dict[str, str] = Field(
        default_factory=dict,
        title="Further values",
        description="What else ${NAME} in migration.toml stands for, as JSON. Shown to"
        ' everybody. Example: {"PGFLIGHT_SMOKE_ORG": "…"}',
    )
    secret_values: SecretDict | None = Field(
        default=None,
        title="Further secret values",
        description="The same, hidden.",
    )
    expected_database: str = Field(
        default="",
        title="Expected database",
        description="name, or name@system_identifier: a URL that leads anywhere else"
        " is refused. pgflight's report of each deployment shows both.",
    )

    def as_target(self, name: str) -> Target:
        """The target that it describes."""
        shown = {f"{PREFIX}ENDPOINT": self.endpoint} if self.endpoint else {}
        hidden: dict[str, Any] = (
            self.secret_values.get_secret_value() if self.secret_values else {}
        )
        if self.token and self.token.get_secret_value():
            hidden = {f"{PREFIX}TOKEN": self.token.get_secret_value()} | hidden
        secrets = {key: SecretStr(str(value)) for key, value in hidden.items()}
        source = f"the block {BLOCK_TYPE}/{name}"
        replicas = self.replicas.get_secret_value() if self.replicas else ""
        known = {key: SecretStr(value) for key, value in (shown | self.values).items()}
        return Target(
            database_url=self.database_url,
            values=known | secrets,
            expected_database=self.expected_database.strip(),
            name=name,
            source=source,
            secrets=tuple(secrets.values()),
            replica_urls=replicas_in(replicas, source),
            application_role=self.application_role.strip(),
        )


def register(environment: Mapping[str, str], name: str | None, replace: bool) -> None:
    """Make the form known to the Prefect server, and save a target of that name.

    Args:
        name: the target is DATABASE_URL_NAME and PGFLIGHT_NAME_… where those are set,
            and DATABASE_URL and PGFLIGHT_… where not.
        replace: a block of that name may be there.

    Raises:
        BadInput: Prefect does not answer or wants a login, the target is not to be had,
            or its name is taken.
    """
    target = None
    if name:
        assert_is_name(name)
        target = target_in_environment(environment, name)
        target = target or target_from_environment(environment)
    url = PREFECT_API_URL.value()
    if not url:
        raise TargetError(
            "PREFECT_API_URL names no Prefect server",
            "export PREFECT_API_URL=http://127.0.0.1:4200/api",
        )
    try:
        with explained(url):
            PostgresTarget.register_type_and_schema()
            if target and name:
                others = named_in_environment(environment)
                block_of(target, others).save(name, overwrite=replace)
        return
    except BadInput:
        raise
    except Exception as failure:
        is_taken = "already in use" in str(failure)
        problem = type(failure).__name__
    # Outside the handler, so that no context carries a value along.
    if is_taken:
        raise TargetError(
            f"Not registered: {url}: there is a block {BLOCK_TYPE}/{name} already",
            "Add --replace, or choose another name.",
        )
    raise TargetError(
        f"Not registered: {url}: {problem}",
        "Look into the server's log, or correct PREFECT_API_URL.",
    )


def block_of(target: Target, others: Sequence[str] = ()) -> PostgresTarget:
    """The block that holds what a target does, and nothing of the other targets."""
    alien = (*_OURS, *(f"{PREFIX}{variable_part(other)}_" for other in others))
    values = {
        key: value
        for key, value in target.plain_values.items()
        if not key.startswith(alien)
    }
    endpoint = values.pop(f"{PREFIX}ENDPOINT", "")
    token = values.pop(f"{PREFIX}TOKEN", None)
    replicas = "\n".join(url.get_secret_value() for url in target.replica_urls)
    # Which of them are secret is not known, so all of them are.
    return PostgresTarget(
        database_url=target.database_url,
        application_role=target.application_role,
        replicas=SecretStr(replicas) if replicas else None,
        endpoint=endpoint,
        token=SecretStr(token) if token else None,
        secret_values=SecretDict(values) if values else None,
        expected_database=target.expected_database,
    )


def load_target(choice: str | BlockReference, others: list[str]) -> Target:
    """The target of a block.

    Args:
        others: names of the targets that are to be had without a block.

    Raises:
        TargetError: Prefect does not answer, there is no such block, or it is wrong.
    """
    if not PREFECT_API_URL.value():
        raise _unknown(choice, others, "PREFECT_API_URL names no server to ask")
    url = str(PREFECT_API_URL.value())
    try:
        with explained(url), get_client(sync_client=True) as client:
            document = _read(client, choice)
            names = [] if document else _names(client)
    except BadInput as error:
        raise TargetError(
            f"Prefect does not say what the target {_shown(choice)} is:"
            f" {error.message}",
            error.help,
        ) from None
    except Exception as failure:
        raise TargetError(
            f"Prefect does not say what the target {_shown(choice)} is:"
            f" {url}: {type(failure).__name__}",
            "Look into the server's log; nothing was begun.",
        ) from None
    if document is None:
        known = ", ".join(names) or "none"
        raise _unknown(choice, others, f"Prefect's blocks of this type: {known}")
    return _target_in(document)


def _read(
    client: SyncPrefectClient, choice: str | BlockReference
) -> BlockDocument | None:
    try:
        if isinstance(choice, str):
            return client.read_block_document_by_name(choice, BLOCK_TYPE)
        if choice.key == "block_document_slug":
            name = choice.value.partition("/")[2]
            return client.read_block_document_by_name(name, BLOCK_TYPE)
        return client.read_block_document(UUID(choice.value))
    except (ObjectNotFound, ValueError):
        return None


def _names(client: SyncPrefectClient) -> list[str]:
    try:
        found = client.read_block_documents_by_type(BLOCK_TYPE, include_secrets=False)
    except PrefectHTTPStatusError as error:
        # The block type is not registered there.
        if error.response.status_code == 404:
            return []
        raise
    return sorted(document.name for document in found if document.name)


def _target_in(document: BlockDocument) -> Target:
    name = document.name or str(document.id)
    slug = document.block_type.slug if document.block_type else BLOCK_TYPE
    if slug != BLOCK_TYPE:
        raise TargetError(
            f"The block {slug}/{name} is no PostgreSQL target",
            f"Choose another. {_HOW}",
        )
    try:
        block = PostgresTarget.model_validate(document.data)
        url = block.database_url.get_secret_value().strip()
        if url:
            target = block.as_target(name)
            assert_unambiguous(url, target.source)
            return target
        problems = "it has no database URL"
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc']))}: {problem['type'].replace('_', ' ')}"
            for problem in error.errors(include_input=False, include_context=False)
        )
    # Outside the handler, so that no context carries a value along.
    raise TargetError(
        f"The block {BLOCK_TYPE}/{name} is not usable: {problems}",
        "Correct it in the UI: Blocks.",
    )


def _unknown(
    choice: str | BlockReference, others: list[str], asked: str
) -> TargetError:
    here = ", ".join(others) or "none"
    return TargetError(
        f"There is no target {_shown(choice)}. {asked}; in the environment"
        f" (DATABASE_URL_NAME): {here}",
        _HOW,
    )


def _shown(choice: str | BlockReference) -> str:
    return choice if isinstance(choice, str) else choice.value
