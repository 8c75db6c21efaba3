"""Hostile files are refused with one message and change nothing; good ones fly.

What each hostile file must come to is in `corpus/hostile/index.toml`. One database
serves all: what a file makes is in schemas that are made anew for each.
"""

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from flows.database.apply import apply
from flows.database.connection import Conn
from flows.database.fingerprint import take_fingerprint
from flows.database.preflight.clearance import clear
from flows.database.preflight.flight import flight_of
from flows.demo.server import PostgresServer
from flows.demo.world import World
from flows.migration import folder as reading
from flows.migration.errors import Inconclusive, PgflightError
from flows.migration.outcome import Outcome
from flows.migration.report import Report
from flows.migration.strategy import Terms
from flows.migration.target import Target, target_from_environment
from tests.fix_server import clone_world

CORPUS = Path(__file__).parent / "corpus"
HOSTILE = tomllib.loads((CORPUS / "hostile/index.toml").read_text(encoding="utf-8"))
GOOD = sorted(path.name for path in (CORPUS / "good").glob("*.sql"))
HANDLED = [name for name, wanted in HOSTILE.items() if wanted["outcome"] == "handled"]
REFUSED = [name for name in HOSTILE if name not in HANDLED]
COMMITS = [name for name, wanted in HOSTILE.items() if wanted.get("commits")]
Look = Callable[[], dict[str, Any]]
TERMS = Terms(10_000, "transactional")
GROUND = """
    DROP SCHEMA IF EXISTS corpus, corpus_more CASCADE;
    CREATE SCHEMA corpus;
    CREATE TABLE corpus.t (id int PRIMARY KEY, a text);
    INSERT INTO corpus.t VALUES (1, 'one'), (2, 'two');
    CREATE TABLE corpus.org (id int PRIMARY KEY, name text);
    INSERT INTO corpus.org VALUES (2, 'two'), (4, 'four');
"""


@pytest.fixture(scope="module")
def place(server: PostgresServer, template: str) -> Iterator[World]:
    with clone_world(server, template) as world:
        yield world


@pytest.fixture(scope="module")
def still(server: PostgresServer, template: str) -> Iterator[World]:
    """Where nothing is ever written, so that the ground is made once."""
    with clone_world(server, template) as world:
        with psycopg.connect(world.owner_url) as conn:
            conn.execute(GROUND)
        yield world


@pytest.fixture(scope="module")
def look(still: World) -> Iterator[Look]:
    """The catalogue, the ledger and the rows of that world."""
    with psycopg.connect(
        still.owner_url, autocommit=True, row_factory=dict_row
    ) as conn:
        yield lambda: held(conn)


@pytest.fixture(scope="module")
def before(look: Look) -> dict[str, Any]:
    return look()


@pytest.fixture
def conn(place: World) -> Iterator[Conn]:
    """The owner's session in the ground that the corpus is written for."""
    with psycopg.connect(
        place.owner_url, autocommit=True, row_factory=dict_row
    ) as conn:
        conn.execute(GROUND)
        yield conn
        for left in conn.execute("SELECT gid FROM pg_prepared_xacts").fetchall():
            conn.execute(sql.SQL("ROLLBACK PREPARED {}").format(left["gid"]))
        conn.execute("DROP SCHEMA IF EXISTS corpus, corpus_more, pgflight CASCADE")


def held(conn: Conn) -> dict[str, Any]:
    """The catalogue, the ledger and the rows."""
    row = conn.execute("SELECT to_regclass('pgflight.run') AS ledger").fetchone()
    assert row
    rows = conn.execute("SELECT * FROM corpus.t ORDER BY id").fetchall()
    return {"catalogue": take_fingerprint(conn), "rows": rows, **row}


def lay_out(tmp_path: Path, file: Path) -> Path:
    """A folder of one migration; a manifest comes with an ordinary up.sql."""
    here = tmp_path / "1_corpus"
    here.mkdir()
    is_manifest = file.suffix == ".toml"
    name = "migration.toml" if is_manifest else "up.sql"
    (here / name).write_bytes(file.read_bytes())
    if is_manifest:
        (here / "up.sql").write_text("CREATE TABLE corpus.x (a int)")
    return here / name


def target_of(place: World) -> Target:
    return target_from_environment({"DATABASE_URL": place.owner_url})


def fly(place: World, folder: Path) -> str:
    """Preflight and the transaction; returns the one message, empty for success."""
    clearance = clear(folder, "1", lambda: target_of(place), TERMS)
    if clearance.migration is None:
        (finding,) = clearance.blocking
        return finding.message
    report = Report(action="deploy", version="1", run_id=str(uuid4()))
    assert not clearance.blocking, clearance.blocking
    try:
        apply(flight_of(report, clearance, TERMS), lambda line: None)
    except PgflightError as error:
        assert not isinstance(error, Inconclusive)
        return error.message
    return ""


@pytest.mark.parametrize("name", REFUSED)
def test_hostile_file_is_refused_and_nothing_is_written(
    name: str, still: World, look: Look, before: dict[str, Any], tmp_path: Path
) -> None:
    file = lay_out(tmp_path, CORPUS / "hostile" / name)
    said = fly(still, tmp_path)
    assert f"{file}:" in said
    assert HOSTILE[name]["says"] in said
    assert "Traceback" not in said
    assert look() == before


@pytest.mark.parametrize("name", HANDLED)
def test_odd_file_is_handled(
    name: str, place: World, conn: Conn, tmp_path: Path
) -> None:
    lay_out(tmp_path, CORPUS / "hostile" / name)
    assert fly(place, tmp_path) == ""
    assert "relation corpus.x" in held(conn)["catalogue"]


@pytest.mark.parametrize("name", GOOD)
def test_good_file_flies(name: str, place: World, conn: Conn, tmp_path: Path) -> None:
    lay_out(tmp_path, CORPUS / "good" / name)
    assert fly(place, tmp_path) == ""
    assert conn.execute("SELECT state FROM pgflight.run").fetchall() == [
        {"state": "applied"}
    ]


@pytest.mark.parametrize("name", COMMITS)
def test_tripwire_catches_what_the_parser_would_refuse(
    name: str,
    place: World,
    conn: Conn,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With the parser's refusals switched off, it is never reported as deployed."""
    monkeypatch.setattr(reading, "refusals_of", lambda script: ())
    lay_out(tmp_path, CORPUS / "hostile" / name)
    clearance = clear(tmp_path, "1", lambda: target_of(place), TERMS)
    report = Report(action="deploy", version="1", run_id=str(uuid4()))
    with pytest.raises(PgflightError) as caught:
        apply(flight_of(report, clearance, TERMS), lambda line: None)
    by_the_server = "SQLSTATE" in caught.value.message
    assert by_the_server or caught.value.outcome is Outcome.NEEDS_DECISION


def test_corpora_are_of_a_size() -> None:
    files = {path.name for path in (CORPUS / "hostile").iterdir()} - {"index.toml"}
    assert files == set(HOSTILE)
    assert min(len(HOSTILE), len(GOOD)) >= 100
