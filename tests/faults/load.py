"""Users at work: they log in, choose organizations, come, and look."""

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Self
from uuid import UUID, uuid4

import psycopg

from flows.demo.world import World
from tests.faults.model import Model

# One statement, so that the choice and the column that it was made in are the same.
CHOOSE = """
SELECT witness.attnum(), platform.set_user_active_org(%s, %s)
"""
NO_SUCH_FUNCTION = psycopg.errors.UndefinedFunction, psycopg.errors.UndefinedColumn
"""It comes after the column, and in a rollback one of them goes first."""
_AWAY = "57P", "08"
"""What begins like this, a server says that goes, or comes; where it says nothing any
more, there is no SQLSTATE."""


class Load:
    """A writer and a reader beside each other, for the time of a `with` block.

    Args:
        memberships: the organizations of each user.
        pause_s: between two statements of the writer.
    """

    def __init__(
        self,
        world: World,
        model: Model,
        memberships: dict[UUID, list[UUID]],
        seed: int,
        pause_s: float = 0.005,
    ) -> None:
        self._url = f"{world.app_url}?application_name=load"
        self._model = model
        self._memberships = memberships
        self._random = random.Random(seed)
        self._pause_s = pause_s
        self._over = Event()
        self._turn = Lock()
        self._conn: dict[str, psycopg.Connection] = {}
        self._threads = [
            Thread(target=self._work, args=(kind, act), name=f"load-{kind}")
            for kind, act in (("write", self._write), ("read", self._read))
        ]
        self.written = 0

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _work(self, kind: str, act: Callable[[psycopg.Connection], None]) -> None:
        while not self._over.is_set():
            try:
                with psycopg.connect(
                    self._url, autocommit=True, connect_timeout=5
                ) as conn:
                    while not self._over.wait(self._pause_s):
                        started = time.monotonic()
                        act(conn)
                        self._model.note_stall(kind, time.monotonic() - started)
            except psycopg.Error as error:
                if not is_away(error):
                    self._model.errors.append(f"{kind}: {error.sqlstate}: {error}")
                # Where the server is away, that is no stall of ours.
                self._over.wait(0.05)

    def _read(self, conn: psycopg.Connection) -> None:
        user = self._random.choice(list(self._memberships))
        conn.execute("SELECT email FROM platform.users WHERE id = %s", [user])

    def _write(self, conn: psycopg.Connection) -> None:
        act = self._random.choices(
            (self._log_in, self._choose, self._come), (10, 8, 1)
        )[0]
        act(conn)
        self.written += 1

    def _log_in(self, conn: psycopg.Connection) -> None:
        user = self._random.choice(list(self._memberships))
        now = datetime.now(UTC)
        with self._model.login(user).changing(now):
            conn.execute(
                "UPDATE platform.users SET last_login_at = %s WHERE id = %s",
                [now, user],
            )

    def _choose(self, conn: psycopg.Connection) -> None:
        """In the column that is there now, or else nowhere."""
        user = self._random.choice(list(self._memberships))
        org = self._random.choice(self._memberships[user])
        row = conn.execute("SELECT witness.attnum()").fetchone()
        assert row
        attnum: int = row[0]
        if not attnum:
            return
        cell = self._model.choice(attnum, user)
        before, was_doubtful = cell.possible, cell.is_doubtful
        try:
            with cell.changing(org):
                row = conn.execute(CHOOSE, [user, org]).fetchone()
        except NO_SUCH_FUNCTION:
            return
        assert row
        if row[0] != attnum:
            # Rolled back and deployed again in between: it was the next column.
            cell.possible, cell.is_doubtful = before, was_doubtful
            cell = self._model.choice(row[0], user)
            cell.possible, cell.is_doubtful = {org}, False

    def _come(self, conn: psycopg.Connection) -> None:
        email = f"newcomer-{uuid4()}@example.org"
        self._model.newcomers[email] = False
        conn.execute(
            "INSERT INTO platform.users (email, display_name, password_hash)"
            " VALUES (%s, 'newcomer', '!')",
            [email],
        )
        self._model.newcomers[email] = True


def is_away(error: psycopg.Error) -> bool:
    """Whether this is all that a server says that has crashed or is starting."""
    return error.sqlstate is None or error.sqlstate.startswith(_AWAY)
