"""A COMMIT in the middle of up.sql that the parser has not seen, and an error after it.

No file can do this as long as the parser refuses it: an experiment of the control arm.
"""

from dataclasses import replace
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory

from flows.migration.outcome import Outcome
from tests.faults.experiment import Experiment, Turn, order
from tests.faults.ground import Ground
from tests.faults.pilot import Pilot, Seen

FIRST = "ADD COLUMN IF NOT EXISTS active_org_id uuid NULL;"


def round_(ground: Ground, turn: Turn) -> list[Seen]:
    with TemporaryDirectory() as temporary:
        folder = Path(copytree(ground.field.folder, Path(temporary) / "migrations"))
        up = folder / "008_active_org" / "up.sql"
        text = up.read_text().replace(FIRST, f"{FIRST}\nCOMMIT;")
        up.write_text(f"{text}\nSELECT 1 / 0;\n")
        seen = Pilot(replace(order(ground), folder=str(folder))).wait()
    is_told = (
        seen.outcome is Outcome.NEEDS_DECISION and "ended pgflight's" in seen.errors
    )
    ground.expect(is_told, "I3", f"half done, and reported {seen.outcome}")
    return [seen]


EXPERIMENT = Experiment("F17", "COMMIT that nobody saw", round_, is_quiet=True)
