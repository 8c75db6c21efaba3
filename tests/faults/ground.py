"""The ground of one round: a server, a database of its own, and what is true in it."""

import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from itertools import count
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory
from typing import Any, LiteralString
from urllib.parse import quote
from uuid import UUID

import psycopg
from psycopg import sql
from pydantic import SecretStr

from flows.database.connection import session
from flows.database.fingerprint import Fingerprint, take_fingerprint
from flows.demo.server import SUPERUSER
from flows.demo.world import APPLICATION, OWNER, World, create_world, world_in
from flows.migration.folder import load_migration
from flows.migration.target import Target
from flows.resources import SQL
from tests.clones import clone, set_passwords
from tests.faults.cluster import Cluster
from tests.faults.load import Load
from tests.faults.model import Cell, Model
from tests.faults.verdict import Breach

USERS = 200
TEMPLATE = "template_faults"
APPLIED = "applied"
USED_AS_THEY_ARE = SUPERUSER, APPLICATION
PASSWORD = "p@ss/w:rd %41?&#'\"ü"
"""Of the deploying role: what is special in a URL."""
CAME_THROUGH = "came through"
NO_ENDPOINT = "http://127.0.0.1:9"
HERE = Path(__file__).parent

_numbers = count(1)


def _questions() -> dict[str, LiteralString]:
    _, *parts = (HERE / "questions.sql").read_text().split("-- name: ")
    named = (part.partition("\n")[::2] for part in parts)
    return dict(named)


QUESTIONS = _questions()


@dataclass
class Field:
    """What the rounds of one server have in common.

    Attributes:
        before: the catalogue before the migration.
        after: after it, made without pgflight.
        schemas: what pg_dump says of both, by these two names.
        folder: the shipped migrations, without a smoke test: of no application.
        routes: what was learned of undisturbed flights, see `route`.
    """

    cluster: Cluster
    folder: Path
    before: Fingerprint
    after: Fingerprint
    schemas: dict[str, list[str]]
    routes: dict[str, list[Any]] = dataclass_field(default_factory=dict)

    @property
    def major(self) -> int:
        return self.cluster.version // 10_000


@dataclass
class Ground:
    """A database that one round may do anything to.

    Attributes:
        found: what the experiment itself has found to be wrong.
        counts: what it has counted, for the table.
        without: guards of the product's that its pilots fly without, see `teeth`.
    """

    field: Field
    world: World
    model: Model
    found: list[Breach] = dataclass_field(default_factory=list)
    counts: Counter[str] = dataclass_field(default_factory=Counter)
    without: tuple[str, ...] = ()
    _oracle: psycopg.Connection | None = None

    def note_missed(self) -> None:
        """The round has come to its end before its fault: it shows nothing."""
        self.counts[CAME_THROUGH] += 1

    def expect(self, is_true: bool, invariant: str, text: str) -> None:
        """Something that this experiment asks for beside what the oracle does."""
        if not is_true:
            self.found.append(Breach(invariant, text))

    @property
    def cluster(self) -> Cluster:
        return self.field.cluster

    @property
    def admin_url(self) -> str:
        return self.cluster.url(self.world.database)

    @property
    def secrets(self) -> list[str]:
        """What must never be said.

        Of the password the part that JSON, SQL and Python write as it is.
        """
        url = self.world.owner_url
        return [PASSWORD[2:13], quote(PASSWORD, safe=""), url, self.world.token]

    def admin(self, name: str = "oracle") -> psycopg.Connection:
        """A superuser's session, in autocommit."""
        return psycopg.connect(
            self.admin_url, autocommit=True, application_name=name, connect_timeout=10
        )

    def ask(self, name: str) -> list[tuple[Any, ...]]:
        """The rows of one of the oracle's questions."""
        if self._oracle is None or self._oracle.closed:
            self._oracle = self.admin()
        try:
            return self._oracle.execute(QUESTIONS[name]).fetchall()
        except psycopg.OperationalError:
            # The server has crashed since.
            self._oracle = self.admin()
            return self._oracle.execute(QUESTIONS[name]).fetchall()

    def close(self) -> None:
        if self._oracle:
            self._oracle.close()

    def one(self, name: str) -> Any:
        return self.ask(name)[0][0]

    def execute(self, statement: LiteralString | sql.Composed) -> None:
        with self.admin("experiment") as conn:
            conn.execute(statement)

    def fingerprint(self) -> Fingerprint:
        return fingerprint_of(self.admin_url)

    def schema(self) -> list[str]:
        return schema_of(self.cluster, self.world.database)

    def environment(self, url: str | None = None) -> dict[str, str]:
        """What makes this ground a pilot's target.

        Args:
            url: another way to the same database.
        """
        known = self.world.environment(NO_ENDPOINT)
        return {**known, "DATABASE_URL": url or self.world.owner_url}

    def load(self, seed: int, pause_s: float = 0.005) -> Load:
        memberships = {row[0]: row[1] for row in self.ask("memberships")}
        return Load(self.world, self.model, memberships, seed, pause_s)

    def slow_down(self, row_s: float) -> None:
        """Let each row that pgflight fills take so long."""
        self.set("faults.row_s", str(row_s))

    def let_fail(self, session: str) -> None:
        """Let such a session of pgflight's fail at its first DDL; none if empty."""
        self.set("faults.fails", session and f"pgflight {session} %")

    def set(self, name: LiteralString, value: str) -> None:
        """A setting of all sessions that are opened from here on."""
        self.execute(
            sql.SQL("ALTER DATABASE {} SET {} = {}").format(
                sql.Identifier(self.world.database),
                sql.SQL(name),
                sql.Literal(value),
            )
        )


@contextmanager
def make_field(bin_dir: Path | None, **settings: str) -> Iterator[Field]:
    """A server with the worlds before and after the migration, to be cloned."""
    settings = {"max_connections": "100", "max_prepared_transactions": "10", **settings}
    with (
        Cluster(bin_dir, settings) as cluster,
        TemporaryDirectory(prefix="pgflight-faults-") as temporary,
    ):
        folder = _without_smoke(Path(temporary))
        create_world(cluster, USERS, TEMPLATE)
        with psycopg.connect(cluster.url(TEMPLATE), autocommit=True) as admin:
            admin.execute((HERE / "world.sql").read_bytes())
            passwords = {role: cluster.passwords[role] for role in USED_AS_THEY_ARE}
            set_passwords(cluster, {**passwords, OWNER: PASSWORD})
            admin.execute("VACUUM ANALYZE")
        before = fingerprint_of(cluster.url(TEMPLATE))
        schemas = {"before": schema_of(cluster, TEMPLATE)}
        with clone(cluster, TEMPLATE, APPLIED):
            _apply_by_hand(cluster, folder)
            after = fingerprint_of(cluster.url(APPLIED))
            schemas["after"] = schema_of(cluster, APPLIED)
        yield Field(cluster, folder, before, after, schemas)


@contextmanager
def fresh_ground(field: Field, database: str = "") -> Iterator[Ground]:
    """A clone of the world before the migration; gone afterwards.

    Args:
        database: its name; one of its own when left out.
    """
    database = database or f"ground_{next(_numbers)}"
    with clone(field.cluster, TEMPLATE, database):
        ground = _ground_of(field, database)
        yield ground
        ground.close()


def _ground_of(field: Field, database: str) -> Ground:
    world = world_in(field.cluster, database)
    login = f"{OWNER}:{quote(PASSWORD, safe='')}"
    url = f"postgresql://{login}@127.0.0.1:{field.cluster.port}/{database}"
    ground = Ground(field, replace(world, owner_url=url), Model({}, ""))
    filled: dict[UUID, UUID | None] = {row[0]: row[1] for row in ground.ask("filled")}
    logins = {user: Cell({at}) for user, at in ground.ask("logins")}
    ground.model = Model(filled, ground.one("untouched"), logins)
    return ground


def fingerprint_of(url: str) -> Fingerprint:
    with session(Target(SecretStr(url)), "oracle") as conn:
        return take_fingerprint(conn)


def schema_of(cluster: Cluster, database: str) -> list[str]:
    """What the server's own pg_dump says of it, line by line, but for the ledger."""
    program, url = str(cluster.bin_dir / "pg_dump"), cluster.url(database)
    command = [program, "--schema-only", "--exclude-schema=pgflight", url]
    dumped = subprocess.run(command, capture_output=True, check=True, text=True)
    # Two lines carry a random key.
    random = ("\\restrict ", "\\unrestrict ")
    lines = dumped.stdout.splitlines()
    return [line for line in lines if not line.startswith(random)]


def _without_smoke(temporary: Path) -> Path:
    folder = Path(copytree(SQL / "migrations", temporary / "migrations"))
    manifest = folder / "008_active_org" / "migration.toml"
    head, _, _ = manifest.read_text().partition("# The smoke user")
    manifest.write_text(head)
    return folder


def _apply_by_hand(cluster: Cluster, folder: Path) -> None:
    """As psql would, and as the role that deploys: the oracle believes nobody."""
    text = load_migration(folder, "008").up.path.read_bytes()
    with psycopg.connect(cluster.url(APPLIED)) as conn:
        conn.execute(f"SET ROLE {OWNER}".encode())
        conn.execute(text)
