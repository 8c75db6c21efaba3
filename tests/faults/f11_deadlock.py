"""F11: an application that locks in the other order, again and again."""

from threading import Event, Thread

import psycopg

from flows.migration.strategy import Wish
from tests.faults.experiment import Experiment, Turn, order
from tests.faults.ground import Ground
from tests.faults.pilot import Pilot, Seen

COME = "INSERT INTO platform.organizations (name) VALUES ('partner')"
CHANGE = """
UPDATE platform.users SET last_login_at = last_login_at
WHERE id = (SELECT id FROM platform.users LIMIT 1)
"""


class Partner:
    """First the organizations, then the users: the migration does it the other way."""

    def __init__(self, ground: Ground, seed: float) -> None:
        self.errors: list[str] = []
        self.rounds = 0
        self._url = ground.world.app_url
        self._hold_s, self._rest_s = 0.02 + 0.03 * seed, 0.8 - 0.4 * seed
        self._over = Event()
        self._thread = Thread(target=self._work)

    def __enter__(self) -> "Partner":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def _work(self) -> None:
        with psycopg.connect(self._url, application_name="partner") as conn:
            while not self._over.is_set():
                try:
                    conn.execute(COME)
                    self._over.wait(self._hold_s)
                    conn.execute(CHANGE)
                    conn.commit()
                    self.rounds += 1
                except psycopg.Error as error:
                    self.errors.append(f"{error.sqlstate}: {error}")
                    conn.rollback()
                self._over.wait(self._rest_s)


def round_(ground: Ground, turn: Turn) -> list[Seen]:
    strategy: Wish = "online" if turn.number % 2 else "transactional"
    with Partner(ground, turn.rng.random()) as partner:
        seen = Pilot(order(ground, strategy=strategy)).wait()
    told = partner.errors[:2]
    ground.expect(not told, "I8", f"the application was told {told}")
    ground.expect(
        seen.outcome == "DEPLOYED", "I3", f"ended {seen.outcome}: {seen.errors}"
    )
    return [seen]


EXPERIMENT = Experiment(
    "F11", "Partner that locks the other way round", round_, rounds=12, reduced=2
)
