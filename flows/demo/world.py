"""The world that the demo migrates: a populated database and its two roles."""

import secrets
from dataclasses import dataclass, field
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from flows.demo.bearer import issue_token
from flows.demo.server import PostgresServer
from flows.migration.errors import BadInput
from flows.resources import SQL

OWNER = "platform_owner"
APPLICATION = "platform_app"
FEWEST_USERS = 20


@dataclass(frozen=True)
class SmokeValues:
    """The rows that the smoke test works on.

    Attributes:
        org_id: one of the user's two organizations, and not the one joined first:
            setting it changes something.
        other_org_id: an organization that the user is no member of.
    """

    user_id: UUID
    org_id: UUID
    other_org_id: UUID


@dataclass(frozen=True)
class World:
    """A database, and what a deployer and the application must know of it.

    Attributes:
        owner_url: for the role that deploys.
        app_url: for the application's role.
        signing_secret: of the application's tokens.
    """

    database: str
    owner_url: str = field(repr=False)
    app_url: str = field(repr=False)
    smoke: SmokeValues
    signing_secret: str = field(repr=False)

    @property
    def token(self) -> str:
        """The smoke user's bearer token."""
        return issue_token(self.smoke.user_id, self.signing_secret)

    def environment(self, endpoint: str) -> dict[str, str]:
        """The variables that make this world the target of a deployment."""
        return {
            "DATABASE_URL": self.owner_url,
            "PGFLIGHT_ENDPOINT": endpoint,
            "PGFLIGHT_TOKEN": self.token,
            "PGFLIGHT_SMOKE_USER": str(self.smoke.user_id),
            "PGFLIGHT_SMOKE_ORG": str(self.smoke.org_id),
            "PGFLIGHT_SMOKE_OTHER_ORG": str(self.smoke.other_org_id),
        }


def create_world(server: PostgresServer, users: int, database: str) -> World:
    """Make a database with at least `FEWEST_USERS` users.

    The same number of users gives the same rows each time.
    """
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database))
        )
    with psycopg.connect(server.url(database)) as connection:
        connection.execute(_script("world.sql"))
        for role in (OWNER, APPLICATION):
            _set_password(connection, role, server.passwords[role])
        connection.execute(
            "SELECT set_config('pgflight_demo.users', %s, true)",
            [str(max(users, FEWEST_USERS))],
        )
        connection.execute(_script("population.sql"))
    return world_in(server, database)


def world_in(server: PostgresServer, database: str) -> World:
    """The world in a database that holds one already, such as a clone.

    It grants what PostgreSQL does not clone: the owner's right to make a schema.
    """
    with psycopg.connect(server.url(database)) as connection:
        connection.execute(
            sql.SQL("GRANT CREATE ON DATABASE {} TO {}").format(
                sql.Identifier(database), sql.Identifier(OWNER)
            )
        )
        smoke = (
            connection.cursor(row_factory=class_row(SmokeValues))
            .execute(_script("smoke_values.sql"))
            .fetchone()
        )
    if smoke is None:
        raise BadInput(f"database {database} holds no user of two organizations")
    return World(
        database=database,
        owner_url=server.url(database, OWNER),
        app_url=server.url(database, APPLICATION),
        smoke=smoke,
        signing_secret=secrets.token_urlsafe(),
    )


def _set_password(connection: psycopg.Connection, role: str, password: str) -> None:
    connection.execute(
        sql.SQL("ALTER ROLE {} PASSWORD {}").format(
            sql.Identifier(role), sql.Literal(password)
        )
    )


def _script(name: str) -> bytes:
    return (SQL / "demo" / name).read_bytes()
