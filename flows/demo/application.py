"""The demo's application: a small HTTP API on the world, under its own database role.

It stands for somebody else's application, so it is asynchronous as its framework is.
"""

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, LiteralString, Self
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from flows.demo.bearer import user_of
from flows.migration.errors import BadInput

POOL_SIZE = 8
POOL_TIMEOUT_S = 10

# What platform.set_user_active_org raises (migration 008), and what is raised where
# there is no such function yet: undefined_function.
REFUSALS = {
    "UO001": (401, "The user of this token does not exist any more."),
    "UO002": (404, "There is no such organization."),
    "UO003": (403, "You are not a member of this organization."),
    "42883": (503, "Choosing an organization is not available yet."),
}

# Columns by name: a prepared SELECT * breaks when a migration adds a column.
SELECT_USER = "SELECT id, email, display_name FROM platform.users WHERE id = %s"
SELECT_USER_WITH_ORG = (
    "SELECT id, email, display_name, active_org_id FROM platform.users WHERE id = %s"
)
SET_ACTIVE_ORG = "SELECT platform.set_user_active_org(%s, %s) AS active_org_id"

Row = dict[str, Any]
Pool = AsyncConnectionPool[psycopg.AsyncConnection[Row]]
Lifespan = Callable[[Starlette], AbstractAsyncContextManager[dict[str, Any]]]


@dataclass(frozen=True)
class Settings:
    """What the application must be told.

    Attributes:
        is_broken: setting the organization fails: a bad release, for the demo.
    """

    database_url: str
    signing_secret: str
    is_broken: bool = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        try:
            return cls(
                database_url=environment["PGFLIGHT_DEMO_DATABASE_URL"],
                signing_secret=environment["PGFLIGHT_DEMO_SECRET"],
                is_broken=environment.get("PGFLIGHT_DEMO_BREAK") == "endpoint",
            )
        except KeyError as missing:
            raise BadInput(f"{missing.args[0]} is not set") from None


class Choice(BaseModel):
    """The body of set-active-org."""

    org_id: UUID


def create_application() -> Starlette:
    """The application, set up from the environment; for ``uvicorn --factory``.

    Raises:
        BadInput: a variable is missing.
    """
    settings = Settings.from_environment(os.environ)
    return Starlette(
        routes=[
            Route("/health", health),
            Route("/api/auth/me", me),
            Route("/api/auth/set-active-org", set_active_org, methods=["POST"]),
        ],
        exception_handlers={
            HTTPException: _answer_refusal,
            psycopg.OperationalError: _answer_no_database,
            PoolTimeout: _answer_no_database,
            Exception: _answer_failure,
        },
        lifespan=_pool_of(settings),
    )


async def health(request: Request) -> JSONResponse:
    await _first_row(request, "SELECT 1", [])
    return JSONResponse({"status": "ok"})


async def me(request: Request) -> JSONResponse:
    """The user of the token; with active_org_id where the database has it."""
    user_id = _authenticate(request)
    try:
        row = await _first_row(request, SELECT_USER_WITH_ORG, [user_id])
    except psycopg.errors.UndefinedColumn:
        row = await _first_row(request, SELECT_USER, [user_id])
    if row is None:
        raise HTTPException(*REFUSALS["UO001"])
    return _answer(row)


async def set_active_org(request: Request) -> JSONResponse:
    user_id = _authenticate(request)
    try:
        choice = Choice.model_validate_json(await request.body())
    except ValidationError:
        message = 'The body must be {"org_id": "<uuid>"}.'
        raise HTTPException(422, message) from None
    try:
        row = await _first_row(request, SET_ACTIVE_ORG, [user_id, choice.org_id])
    except psycopg.Error as error:
        if error.sqlstate not in REFUSALS:
            raise
        raise HTTPException(*REFUSALS[error.sqlstate]) from None
    if request.state.settings.is_broken:
        raise HTTPException(500, "This release is broken.")
    return _answer(row)


def _authenticate(request: Request) -> UUID:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    user_id = user_of(token, request.state.settings.signing_secret)
    if scheme.lower() != "bearer" or user_id is None:
        raise HTTPException(
            401, "A valid bearer token is needed.", {"WWW-Authenticate": "Bearer"}
        )
    return user_id


async def _first_row(
    request: Request, query: LiteralString, values: list[UUID]
) -> Row | None:
    pool: Pool = request.state.pool
    async with pool.connection() as connection:
        return await (await connection.execute(query, values)).fetchone()


def _answer(row: Row | None) -> JSONResponse:
    values = (row or {}).items()
    return JSONResponse(
        {
            name: str(value) if isinstance(value, UUID) else value
            for name, value in values
        }
    )


def _pool_of(settings: Settings) -> Lifespan:
    @asynccontextmanager
    async def lifespan(application: Starlette) -> AsyncIterator[dict[str, Any]]:
        pool: Pool = AsyncConnectionPool(
            settings.database_url,
            min_size=2,
            max_size=POOL_SIZE,
            timeout=POOL_TIMEOUT_S,
            open=False,
            kwargs={"autocommit": True, "row_factory": dict_row},
        )
        async with pool:
            await pool.wait(POOL_TIMEOUT_S)
            yield {"pool": pool, "settings": settings}

    return lifespan


def _error(status: int, message: str) -> JSONResponse:
    return JSONResponse({"error": message}, status)


def _answer_refusal(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    answer = _error(error.status_code, error.detail)
    answer.headers.update(error.headers or {})
    return answer


def _answer_no_database(request: Request, error: Exception) -> JSONResponse:
    return _error(503, "The database does not answer.")


def _answer_failure(request: Request, error: Exception) -> JSONResponse:
    return _error(500, "Something went wrong; it is in the log.")
