"""Where held runs take place: a world with gates, and what is true in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from pydantic import SecretStr

from flows.database.connection import session
from flows.database.fingerprint import Fingerprint, differences, take_fingerprint
from flows.demo.server import PostgresServer
from flows.demo.world import World, create_world
from flows.migration.target import Target
from flows.resources import SQL
from tests.fix_server import clone_world

USERS = 60
TEMPLATE = "template_crashes"
HELD = Path(__file__).parent / "held.sql"

OURS = """
SELECT pid, application_name, state, query FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'pgflight %'
"""
# The claim is held until the run has ended, or has taken all back.
AT_WORK = f"{OURS} AND application_name NOT LIKE 'pgflight claim %'"
UNTOUCHED = """
SELECT md5(string_agg(ROW(id, email, display_name, password_hash)::text, '|'
  ORDER BY id)) FROM platform.users
"""
UNFILLED = """
SELECT u.id FROM platform.users AS u
WHERE active_org_id IS DISTINCT FROM (
  SELECT org_id FROM platform.org_members AS m
  WHERE m.user_id = u.id ORDER BY joined_at, org_id LIMIT 1)
"""
RUNS = "SELECT run_id::text, state FROM pgflight.run ORDER BY applied_at"
OPEN_STEPS = "SELECT count(*) FROM pgflight.step WHERE state <> 'undone'"
STORIES = """
SELECT DISTINCT ON (flight_id) flight_id::text, kind, outcome
FROM pgflight.event ORDER BY flight_id, id DESC
"""
AUDIT = "SELECT kind, outcome, detail FROM pgflight.event ORDER BY id"
LAST_WORD = """
SELECT kind, outcome FROM pgflight.event ORDER BY id DESC LIMIT 1
"""


@dataclass(frozen=True)
class Field:
    """What all grounds have in common.

    Attributes:
        before: the catalogue before the migration.
        after: after it, made without pgflight.
        untouched: what no run may change of the users.
        folder: the shipped migrations, with gates in verify.sql and down.sql.
    """

    server: PostgresServer
    before: Fingerprint
    after: Fingerprint
    untouched: str
    folder: Path
    folder_with_probes: Path


@dataclass(frozen=True)
class Ground:
    """A world of its own for one run."""

    field: Field
    world: World

    @property
    def url(self) -> str:
        return self.field.server.url(self.world.database)

    def ask(self, question: LiteralString) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as admin:
            return admin.execute(question).fetchall()

    def one(self, question: LiteralString) -> Any:
        return self.ask(question)[0][0]

    def execute(self, statement: LiteralString, *values: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as admin:
            admin.execute(statement, values)

    def position(self) -> str:
        """Before, after or between (at a recorded step); else what is wrong."""
        now, field = _fingerprint(self.url), self.field
        if now == field.before:
            return "before"
        if now == field.after:
            return "after"
        unknown = now.keys() - field.before.keys() - field.after.keys()
        if not unknown and "applying" in self.states() and self.one(OPEN_STEPS):
            return "between"
        return f"mixed: {differences(field.after, now)[:5]}"

    def states(self) -> list[str]:
        """Of the runs in the ledger, without those that are rolled back."""
        return [state for _, state in self.ask(RUNS) if state != "rolled_back"]


@contextmanager
def make_field(server: PostgresServer, folder: Path) -> Iterator[Field]:
    """The template that grounds are cloned from."""
    world = create_world(server, USERS, TEMPLATE)
    with psycopg.connect(world.owner_url) as owner:
        owner.execute((SQL / "ledger" / "create.sql").read_bytes())
    with psycopg.connect(server.url(TEMPLATE), autocommit=True) as admin:
        admin.execute(HELD.read_bytes())
        admin.execute("VACUUM ANALYZE")
    with_probes = _with_gates(folder / "with_probes")
    without = _with_gates(folder / "without_probes")
    manifest = without / "008_active_org" / "migration.toml"
    head, _, _ = manifest.read_text().partition("# The smoke user")
    manifest.write_text(head)
    before = _fingerprint(server.url(TEMPLATE))
    with clone_world(server, TEMPLATE) as world:
        with psycopg.connect(world.owner_url) as owner:
            owner.execute((without / "008_active_org" / "up.sql").read_bytes())
        after = _fingerprint(server.url(world.database))
        with psycopg.connect(server.url(world.database)) as admin:
            untouched = admin.execute(UNTOUCHED).fetchone()[0]  # type: ignore[index]
    yield Field(server, before, after, untouched, without, with_probes)
    with psycopg.connect(server.url(), autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(TEMPLATE)))


def _with_gates(path: Path) -> Path:
    folder = Path(copytree(SQL / "migrations", path))
    migration = folder / "008_active_org"
    for name, point in (("verify.sql", "verify"), ("down.sql", "down")):
        file = migration / name
        file.write_text(f"{file.read_text()}\nSELECT held.wait('{point}');\n")
    manifest = migration / "migration.toml"
    # Probes wait for the test, and longer than their own patience.
    text = manifest.read_text().replace(
        "[smoke]\n", "[smoke]\ntimeout_ms = 60000\ndeadline_ms = 120000\n"
    )
    manifest.write_text(text)
    return folder


def _fingerprint(url: str) -> Fingerprint:
    with session(Target(SecretStr(url)), "oracle") as conn:
        return take_fingerprint(conn)
