"""F22: a password gets into what is said: by the server's words, or by a broken URL.

What must never be said is asked after each round of every experiment; here it is tried.
"""

from dataclasses import replace
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory

from flows.migration.outcome import Outcome
from tests.faults.experiment import Experiment, Turn, order
from tests.faults.ground import PASSWORD, Ground
from tests.faults.pilot import Pilot, Seen

PIECES = ("correct-horse", "battery-staple")
URLS = (
    "postgresql://platform_owner:{0}@{1}@127.0.0.1:{port}/{database}",
    "postgresql://platform_owner:{0}/{1}@127.0.0.1:{port}/{database}",
    "postgresql://platform_owner:{0}:{1}@127.0.0.1:{port}/{database}",
    "postgresql://platform_owner:{0}%zz{1}@127.0.0.1:{port}/{database}",
)


def round_(ground: Ground, turn: Turn) -> list[Seen]:
    arm = turn.number % (1 + len(URLS))
    return [quoted(ground) if arm == 0 else unencoded(ground, URLS[arm - 1])]


def quoted(ground: Ground) -> Seen:
    """A statement of up.sql fails, and the server quotes what it was given."""
    given = PASSWORD.replace("'", "''")
    with TemporaryDirectory() as temporary:
        folder = Path(copytree(ground.field.folder, Path(temporary) / "migrations"))
        up = folder / "008_active_org" / "up.sql"
        up.write_text(f"{up.read_text()}\nSELECT '{given}'::integer;\n")
        seen = Pilot(replace(order(ground), folder=str(folder))).wait()
    is_back = seen.outcome is Outcome.ROLLED_BACK and "22P02" in seen.errors
    ground.expect(is_back, "I3", f"ended {seen.outcome}: {seen.errors}")
    return seen


def unencoded(ground: Ground, url: str) -> Seen:
    """libpq cuts such a URL up and complains about its pieces: the password's."""
    port, database = ground.cluster.port, ground.world.database
    url = url.format(*PIECES, port=port, database=database)
    flown = replace(order(ground), environment=ground.environment(url))
    seen = Pilot(flown).wait()
    told = [piece for piece in PIECES if piece in "\n".join(seen.said)]
    ground.expect(not told, "I7", f"said {len(told)} pieces of the password")
    ground.expect(seen.outcome == "BLOCKED", "I3", f"ended {seen.outcome}")
    return seen


EXPERIMENT = Experiment(
    "F22", "Password quoted by the server", round_, rounds=5, reduced=2, is_quiet=True
)
