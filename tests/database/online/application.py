"""An application at work: users, members and organizations come, change and go.

Each `Worker` has users of its own, and is the only one to change them: what it did,
and when, is then known for sure. Organizations belong to all of them.
"""

import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Literal, Self
from uuid import UUID, uuid4

import psycopg

from flows.demo.world import World
from tests.database.online.chronicle import Chronicle, Event, Kind, Moment

Deed = Literal[
    "log in",
    "rename",
    "rename twice",
    "sign up",
    "join",
    "leave",
    "move",
    "delete user",
    "found",
    "delete org",
]
DEEDS: tuple[Deed, ...] = (
    "log in",
    "rename",
    "rename twice",
    "sign up",
    "join",
    "leave",
    "move",
    "delete user",
    "found",
    "delete org",
)

LOG_IN = "UPDATE platform.users SET last_login_at = now() WHERE id = %s"
RENAME = "UPDATE platform.users SET display_name = rpad(%s, 1800, 'y') WHERE id = %s"
SIGN_UP = """
INSERT INTO platform.users (id, email, display_name, password_hash)
VALUES (%s, %s, rpad('New', 1800, 'n'), '!')
"""
JOIN = "INSERT INTO platform.org_members (user_id, org_id) VALUES (%s, %s)"
LEAVE = "DELETE FROM platform.org_members WHERE user_id = %s AND org_id = %s"
FOUND = "INSERT INTO platform.organizations (id, name) VALUES (%s, 'Founded')"
DELETE_USER = "DELETE FROM platform.users WHERE id = %s"
DELETE_ORG = "DELETE FROM platform.organizations WHERE id = %s"
MEMBERS = "SELECT user_id, org_id FROM platform.org_members"
FEWEST = 4
"""Organizations that are left: without one, nothing can happen any more."""


@dataclass
class Orgs:
    """The organizations there are, for all workers."""

    ids: list[UUID]
    lock: threading.Lock = field(default_factory=threading.Lock)
    """Deletes of organizations and of users would deadlock with each other."""
    pids: set[int] = field(default_factory=set)
    """Backends of all workers."""

    def pick(self, dice: random.Random) -> UUID:
        return dice.choice(self.ids)


class Worker:
    """Does what it is told to its own users, and writes it down.

    Args:
        app, owner: sessions in autocommit. What the application's role may not do,
            an administrator of the platform does, as the owner.
    """

    def __init__(
        self,
        app: psycopg.Connection,
        owner: psycopg.Connection,
        chronicle: Chronicle,
        orgs: Orgs,
        dice: random.Random,
    ) -> None:
        self._app, self._owner = app, owner
        orgs.pids |= {app.info.backend_pid, owner.info.backend_pid}
        self._chronicle, self._orgs, self._dice = chronicle, orgs, dice
        self.users: dict[UUID, set[UUID]] = {}
        """Each with the organizations it has joined and not left."""

    def do(self, deed: Deed) -> None:
        """Do it to somebody, if there is anybody whom it can be done to."""
        try:
            _DEEDS[deed](self, self._dice.choice(list(self.users)))
        except psycopg.errors.ForeignKeyViolation as error:
            # The organization to join was deleted by another worker.
            if error.diag.constraint_name != "org_members_org_id_fkey":
                self._complain(deed, error)
        except psycopg.errors.DeadlockDetected as error:
            # Among themselves they may: SET NULL locks users in any order.
            pids = re.findall(r"rocess (\d+)", error.diag.message_detail or "")
            if not self._orgs.pids.issuperset(map(int, pids)):
                self._complain(deed, error)
        except psycopg.Error as error:
            self._complain(deed, error)

    def _complain(self, deed: Deed, error: psycopg.Error) -> None:
        detail = f"{error.sqlstate}: {error} {error.diag.message_detail}"
        self._chronicle.complaints.append(f"{deed}: {detail}")

    @contextmanager
    def _noting(
        self,
        kind: Kind,
        user: UUID | None = None,
        org: UUID | None = None,
        left: UUID | None = None,
    ) -> Iterator[None]:
        """What the block commits happens between its beginning and its end."""
        began = time.monotonic()
        yield
        when = Moment(began, time.monotonic())
        self._chronicle.events.append(Event(kind, when, user, org, left))

    def log_in(self, user: UUID) -> None:
        self._app.execute(LOG_IN, [user])

    def rename(self, user: UUID) -> None:
        self._app.execute(RENAME, [f"Renamed {self._dice.random()}", user])

    def rename_twice(self, user: UUID) -> None:
        """In one transaction that thinks about it for a while."""
        with self._app.transaction():
            self._app.execute(RENAME, ["Once", user])
            time.sleep(self._dice.choice([0, 0.01, 0.1]))
            self._app.execute(RENAME, ["Twice", user])

    def sign_up(self, _: UUID) -> None:
        user, org = uuid4(), self._orgs.pick(self._dice)
        with self._noting("join", user, org), self._app.transaction():
            self._app.execute(SIGN_UP, [user, f"{user}@example.com"])
            self._app.execute(JOIN, [user, org])
        self.users[user] = {org}

    def join(self, user: UUID) -> None:
        org = self._orgs.pick(self._dice)
        if org in self.users[user]:
            return
        with self._noting("join", user, org):
            self._app.execute(JOIN, [user, org])
        self.users[user].add(org)

    def leave(self, user: UUID) -> None:
        if not self.users[user]:
            return
        org = self._dice.choice(sorted(self.users[user]))
        with self._noting("leave", user, org):
            self._app.execute(LEAVE, [user, org])
        self.users[user].remove(org)

    def move(self, user: UUID) -> None:
        """From one organization to another, in one transaction."""
        org = self._orgs.pick(self._dice)
        if not self.users[user] or org in self.users[user]:
            return
        left = self._dice.choice(sorted(self.users[user]))
        with self._noting("move", user, org, left), self._app.transaction():
            self._app.execute(LEAVE, [user, left])
            self._app.execute(JOIN, [user, org])
        self.users[user].remove(left)
        self.users[user].add(org)

    def delete_user(self, user: UUID) -> None:
        if len(self.users) == 1:
            return
        with self._orgs.lock, self._noting("user gone", user):
            self._owner.execute(DELETE_USER, [user])
        del self.users[user]

    def found(self, user: UUID) -> None:
        org = uuid4()
        with self._noting("join", user, org), self._app.transaction():
            self._app.execute(FOUND, [org])
            self._app.execute(JOIN, [user, org])
        self.users[user].add(org)
        self._orgs.ids.append(org)

    def delete_org(self, _: UUID) -> None:
        with self._orgs.lock:
            if len(self._orgs.ids) <= FEWEST:
                return
            org = self._orgs.pick(self._dice)
            with self._noting("org gone", org=org):
                self._owner.execute(DELETE_ORG, [org])
            # Until now others joined it, and waited.
            self._orgs.ids.remove(org)


_DEEDS: dict[Deed, Callable[[Worker, UUID], None]] = {
    "log in": Worker.log_in,
    "rename": Worker.rename,
    "rename twice": Worker.rename_twice,
    "sign up": Worker.sign_up,
    "join": Worker.join,
    "leave": Worker.leave,
    "move": Worker.move,
    "delete user": Worker.delete_user,
    "found": Worker.found,
    "delete org": Worker.delete_org,
}


class Staff:
    """Workers with the world's users shared out among them.

    The first works when it is told to, the others all the time while the block lasts.
    """

    def __init__(self, world: World, workers: int, dice: random.Random) -> None:
        self._stack = ExitStack()
        self._over = threading.Event()
        self._dice = dice
        self._threads: list[threading.Thread] = []
        owner = self._connect(world.owner_url)
        self.chronicle = Chronicle(owner.execute(MEMBERS).fetchall())
        orgs = Orgs(
            [row[0] for row in owner.execute("SELECT id FROM platform.organizations")]
        )
        self.workers = [
            Worker(
                self._connect(world.app_url),
                self._connect(world.owner_url),
                self.chronicle,
                orgs,
                random.Random(dice.random()),
            )
            for _ in range(workers + 1)
        ]
        self._share_out(owner)

    def _connect(self, url: str) -> psycopg.Connection:
        return self._stack.enter_context(psycopg.connect(url, autocommit=True))

    def _share_out(self, owner: psycopg.Connection) -> None:
        for number, row in enumerate(owner.execute("SELECT id FROM platform.users")):
            self.workers[number % len(self.workers)].users[row[0]] = set()
        for user, org in self.chronicle.members:
            for worker in self.workers:
                if user in worker.users:
                    worker.users[user].add(org)

    def set_to_work(self, mix: dict[Deed, int], pause_s: float) -> None:
        """Let all but the first do deeds at random, each by its weight."""
        self._threads = [
            threading.Thread(target=self._work, args=(worker, mix, pause_s))
            for worker in self.workers[1:]
        ]
        for thread in self._threads:
            thread.start()

    def _work(self, worker: Worker, mix: dict[Deed, int], pause_s: float) -> None:
        dice = random.Random(worker._dice.random())
        deeds = dice.choices(list(mix), list(mix.values()), k=10_000)
        for deed in deeds:
            if self._over.wait(pause_s):
                return
            worker.do(deed)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
        self._stack.close()
