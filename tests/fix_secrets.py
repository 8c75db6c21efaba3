"""Secrets full of special characters, and everything that a run says anywhere."""

import base64
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from io import StringIO
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import psycopg
import pytest
from psycopg import sql
from rich.console import Console

from flows.demo.server import PostgresServer
from flows.demo.world import OWNER, World
from flows.here import prepare_prefect
from flows.migration.report import Report
from flows.migration.report_json import report_as_json
from flows.terminal import show_report

# Each begins and ends with what no other text has: a piece of one is found too.
PASSWORD = "Zk9vQp@ss:w/o?r#d%20&=+'\"\\ üX7LpbN"
TOKEN = "Hq3TzRt:ok/e?n#%20&=+'\"\\ .M5WcyJe"
_MARKS = ("Zk9vQ", "X7LpbN", "Hq3TzR", "M5WcyJ")
_CODED = tuple(
    base64.b64encode(secret.encode()).decode()[:24] for secret in (PASSWORD, TOKEN)
)

_role_numbers = count(1)


def leaks_in(text: str) -> list[str]:
    """The surroundings of everything in a text that is a piece of a secret."""
    found = ((text.find(mark), mark) for mark in (*_MARKS, *_CODED))
    return [text[max(at - 60, 0) : at + 60] for at, _ in found if at >= 0]


@dataclass(frozen=True)
class Login:
    """A role that may deploy, whose password is full of special characters."""

    name: str
    port: int
    database: str

    @property
    def url(self) -> str:
        return self.url_with(quote(PASSWORD, safe=""))

    @property
    def key_values(self) -> str:
        escaped = PASSWORD.replace("\\", "\\\\").replace("'", "\\'")
        return self.key_values_with(f"'{escaped}'")

    def url_with(self, password: str) -> str:
        """With the password as it is given."""
        login = f"{self.name}:{password}"
        return f"postgresql://{login}@127.0.0.1:{self.port}/{self.database}"

    def key_values_with(self, password: str) -> str:
        place = f"host=127.0.0.1 port={self.port} dbname={self.database}"
        return f"{place} user={self.name} password={password}"


@pytest.fixture
def login(
    admin: psycopg.Connection, server: PostgresServer, world: World
) -> Iterator[Login]:
    name = f"wild_{next(_role_numbers)}"
    role = sql.Identifier(name)
    admin.execute(
        sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE {}").format(
            role, sql.Literal(PASSWORD), sql.Identifier(OWNER)
        )
    )
    yield Login(name, server.port, world.database)
    admin.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(role))
    admin.execute(sql.SQL("DROP ROLE {}").format(role))


@dataclass
class Told:
    """Everything that was said anywhere: by place, as text."""

    by_place: dict[str, str] = field(default_factory=dict)
    log: StringIO = field(default_factory=StringIO)

    @property
    def leaks(self) -> dict[str, list[str]]:
        places = {**self.by_place, "log": self.log.getvalue()}
        found = {place: leaks_in(text) for place, text in places.items()}
        return {place: leaks for place, leaks in found.items() if leaks}

    def add_report(self, report: Report) -> None:
        shown = StringIO()
        show_report(Console(file=shown, width=60), report)
        self.by_place["terminal"] = shown.getvalue()
        self.by_place["report"] = _text_of(report_as_json(report))

    def add_prefect(self) -> None:
        """All that Prefect's API gives back of the newest runs."""
        from prefect.logging.handlers import APILogHandler
        from prefect.settings import PREFECT_API_URL

        APILogHandler().flush()
        api = str(PREFECT_API_URL.value())
        with httpx.Client(base_url=api, timeout=TIMEOUT_S) as client:
            for kind in ("logs", "flow_runs", "task_runs", "artifacts", "events"):
                answer = client.post(f"/{kind}/filter", json=_NEWEST.get(kind, {}))
                self.by_place[f"prefect {kind}"] = _text_of(answer.json())
            runs = client.post("/flow_runs/filter", json=_NEWEST["flow_runs"]).json()
            states = [
                client.get("/flow_run_states/", params={"flow_run_id": run["id"]})
                for run in runs[:4]
            ]
            self.by_place["prefect states"] = _text_of([s.json() for s in states])

    def add_ledger(self, admin: psycopg.Connection) -> None:
        tables = admin.execute(
            "SELECT c.oid::regclass::text FROM pg_class AS c"
            " WHERE c.relnamespace = to_regnamespace('pgflight') AND c.relkind = 'r'"
        ).fetchall()
        for (table,) in tables:
            select = sql.SQL("SELECT t::text FROM {} AS t").format(sql.SQL(table))
            self.by_place[table] = str(admin.execute(select).fetchall())


TIMEOUT_S = 90.0
"""Longer than its SQLite waits for its lock."""

_NEWEST: dict[str, dict[str, Any]] = {
    "logs": {"sort": "TIMESTAMP_DESC", "limit": 200},
    "flow_runs": {"sort": "START_TIME_DESC", "limit": 20},
    "task_runs": {"sort": "END_TIME_DESC", "limit": 100},
    "artifacts": {"sort": "UPDATED_DESC", "limit": 20},
}


def _text_of(value: Any) -> str:
    """Texts as they are, not as JSON escapes them."""
    if isinstance(value, str):
        return f"{value}\n"
    if isinstance(value, dict):
        return "".join(_text_of(part) for pair in value.items() for part in pair)
    if isinstance(value, list):
        return "".join(_text_of(part) for part in value)
    return f"{json.dumps(value)}\n"


class _Everything(logging.Handler):
    """Every record of this process, as lines and as what handlers get."""

    def __init__(self, text: StringIO) -> None:
        super().__init__(logging.DEBUG)
        self._text = text

    def emit(self, record: logging.LogRecord) -> None:
        self._text.write(f"{self.format(record)}\n{record.__dict__}\n")


@pytest.fixture
def told() -> Iterator[Told]:
    """What is said until the test ends; every logger says all that it can."""
    prepare_prefect()
    # It sets logging up when it is imported, and would take our handler away.
    import_module("prefect.main")
    told = Told()
    handler = _Everything(told.log)
    names = ("", "prefect", "prefect.flow_runs", "prefect.task_runs", "psycopg")
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
    yield told
    for logger, level in zip(loggers, levels, strict=True):
        logger.removeHandler(handler)
        logger.setLevel(level)


def write_migration(folder: Path, up: str, **files: str) -> None:
    """Migration 009, of a few lines."""
    place = folder / "009_secret"
    place.mkdir()
    (place / "up.sql").write_text(up)
    (place / "migration.toml").write_text(files.pop("toml", ""))
    for name, text in files.items():
        (place / f"{name}.sql").write_text(text)
