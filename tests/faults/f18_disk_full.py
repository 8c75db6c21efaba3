"""F18: the disk is full in the middle of the migration."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg import sql

from flows.migration.advice import left_to_do
from flows.migration.strategy import Wish
from tests.faults.experiment import Experiment, Turn, order
from tests.faults.ground import Field, Ground
from tests.faults.pilot import Pilot, Seen

SIZE = "24m"
LEFT = 100 * 1024


def missing(field: Field) -> str:
    """Why there can be no small disk here."""
    if os.geteuid() != 0:
        return "needs root, to mount a small disk"
    folder = Path(field.cluster.folder) / "try"
    folder.mkdir(exist_ok=True)
    if subprocess.run(_mount(folder), capture_output=True).returncode:
        return "needs the right to mount a small disk"
    subprocess.run(["umount", folder], check=True)
    return ""


def round_(ground: Ground, turn: Turn) -> list[Seen]:
    strategy: Wish = "online" if turn.number % 2 else "transactional"
    with small_disk(ground) as disk:
        filler = disk / "filler"
        free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
        filler.write_bytes(b"x" * max(0, free - LEFT))
        seen = Pilot(order(ground, strategy=strategy)).wait()
        filler.unlink()
    is_clean = seen.outcome == "ROLLED_BACK" and "53100" in seen.errors
    ground.expect(is_clean, "I3", f"ended {seen.outcome}: {seen.errors}")
    advice = [one.what for one in left_to_do(seen.report)] if seen.report else []
    has_sizes = any("platform.users: about" in what for what in advice)
    ground.expect(has_sizes, "I3", f"what is left to do has no sizes: {advice}")
    retries = [line for line in seen.said if "Attempt" in line]
    ground.expect(not retries, "I6", f"tried again: {retries}")
    return [seen]


@contextmanager
def small_disk(ground: Ground) -> Iterator[Path]:
    """A tablespace of its own for the users' table."""
    folder = Path(ground.cluster.folder) / f"disk-{ground.world.database}"
    folder.mkdir()
    name = sql.Identifier(f"small_{ground.world.database}")
    subprocess.run(_mount(folder), check=True)
    try:
        data = folder / "data"
        data.mkdir()
        ground.cluster.give(folder)
        move = "ALTER TABLE platform.users SET TABLESPACE {}"
        ground.execute(
            sql.SQL("CREATE TABLESPACE {} LOCATION {}").format(name, str(data))
        )
        ground.execute(sql.SQL(move).format(name))
        yield folder
        ground.execute(sql.SQL(move).format(sql.Identifier("pg_default")))
        ground.execute("CHECKPOINT")
        ground.execute(sql.SQL("DROP TABLESPACE {}").format(name))
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def _mount(folder: Path) -> list[str | Path]:
    return ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", folder]


EXPERIMENT = Experiment(
    "F18",
    "Disk full in mid-migration",
    round_,
    rounds=6,
    reduced=1,
    missing=missing,
    is_quiet=True,
)
