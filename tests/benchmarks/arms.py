"""The arms of the benchmark: each way to run migration 008, as a command."""

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from flows.resources import SQL
from tests.benchmarks.fly import WISHES
from tests.benchmarks.ground import Site

HERE = Path(__file__).parent
USUAL = HERE / "usual_order.sql"
SHIPPED = SQL / "migrations" / "008_active_org" / "up.sql"
BASE = "psql-usual"
"""The arm that the others are held against."""
IDLE = "idle"
"""The application alone: what it waits for on this machine without any migration."""
IDLE_S = 3


@dataclass(frozen=True)
class Arm:
    """One way to run the migration.

    Attributes:
        command: prepares the folder; what it returns runs the migration and ends.
        missing: why it cannot be run here; empty where it can.
        is_ours: the command says itself, as JSON, what it took.
    """

    name: str
    command: Callable[[Site], list[str]]
    missing: str = ""
    is_ours: bool = False


def arms() -> list[Arm]:
    """All of them, whether they can be run here or not."""
    return [
        Arm(BASE, partial(_psql, USUAL)),
        Arm("psql-shipped", partial(_psql, SHIPPED)),
        Arm("sqitch", _sqitch, _not_installed("sqitch")),
        Arm("dbmate", _dbmate, _not_installed("dbmate")),
        *(_pgflight(name) for name in WISHES),
        Arm(IDLE, lambda site: ["sleep", str(IDLE_S)]),
    ]


def _psql(file: Path, site: Site) -> list[str]:
    psql = str(site.server.bin_dir / "psql")
    options = ["-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-f", str(file)]
    return [psql, site.world.owner_url, *options]


def _sqitch(site: Site) -> list[str]:
    project = shutil.copytree(HERE / "sqitch", site.folder / "sqitch")
    (project / "deploy").mkdir()
    script = project / "deploy" / "active_org.sql"
    script.write_text(f"BEGIN;\n{USUAL.read_text()}\nCOMMIT;\n")
    url = f"db:pg:{site.world.owner_url.removeprefix('postgresql:')}"
    client = str(site.server.bin_dir / "psql")
    return ["sqitch", "--chdir", str(project), "deploy", "--client", client, url]


def _dbmate(site: Site) -> list[str]:
    script = site.folder / "008_active_org.sql"
    script.write_text(f"-- migrate:up\n{USUAL.read_text()}\n-- migrate:down\n")
    url = f"{site.world.owner_url}?sslmode=disable"
    # Its own table, public.schema_migrations, is not the owner's to create.
    table = "platform.schema_migrations"
    options = ["--migrations-dir", str(site.folder), "--migrations-table", table]
    return ["dbmate", "--url", url, *options, "--no-dump-schema", "migrate"]


def _pgflight(name: str) -> Arm:
    command = [sys.executable, "-m", "tests.benchmarks.fly", name]
    return Arm(name, lambda site: command, is_ours=True)


def _not_installed(program: str) -> str:
    return "" if shutil.which(program) else "not installed"
