"""F22: a password with special characters stands in the URL as it is.

libpq cuts such a URL up and complains about its pieces, which are the password's. (What
else must never be said is asked after each round of every experiment.)
"""

from dataclasses import replace

from tests.faults.experiment import Experiment, Turn, order
from tests.faults.ground import Ground
from tests.faults.pilot import Pilot, Seen

PIECES = ("correct-horse", "battery-staple")
URLS = (
    "postgresql://platform_owner:{0}@{1}@127.0.0.1:{port}/{database}",
    "postgresql://platform_owner:{0}/{1}@127.0.0.1:{port}/{database}",
    "postgresql://platform_owner:{0}:{1}@127.0.0.1:{port}/{database}",
    "postgresql://platform_owner:{0}%zz{1}@127.0.0.1:{port}/{database}",
    "host=127.0.0.1 port={port} dbname={database} password={0} {1}",
)


def round_(ground: Ground, turn: Turn) -> list[Seen]:
    port, database = ground.cluster.port, ground.world.database
    url = URLS[turn.number % len(URLS)].format(*PIECES, port=port, database=database)
    flown = replace(order(ground), environment=ground.environment(url))
    seen = Pilot(flown).wait()
    said = "\n".join(seen.said)
    # Of a key=value string the second word is none of the password's.
    secrets = PIECES if "://" in url else PIECES[:1]
    told = [piece for piece in secrets if piece in said]
    ground.expect(not told, "I7", f"said {len(told)} pieces of the password")
    ground.expect(seen.outcome == "BLOCKED", "I3", f"ended {seen.outcome}")
    return [seen]


EXPERIMENT = Experiment(
    "F22", "Password not encoded in the URL", round_, rounds=5, reduced=1, is_quiet=True
)
