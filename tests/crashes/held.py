"""A run of deploy-migration that is held at one step, by means that are real."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import psycopg

from flows.demo.loopback import HOST
from flows.demo.service import run_application
from flows.migration.outcome import Outcome
from tests.crashes.ground import TEMPLATE, Field, Ground
from tests.crashes.relay import Relay
from tests.crashes.site import DEPLOYMENT, Site, wait_for
from tests.fix_server import clone_world

NO_ENDPOINT = "http://127.0.0.1:9"
BUDGET_MS = 100_000

AT_GATE = """
SELECT count(*) > 0 FROM pg_locks
WHERE locktype = 'advisory' AND (classid, objid, objsubid) = (7, 7, 2)
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
WAITS_FOR_TABLE = """
SELECT count(*) > 0 FROM pg_locks WHERE NOT granted
  AND relation = 'platform.users'::regclass AND mode = 'AccessExclusiveLock'
"""
WAITS_FOR_SNAPSHOT = """
SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND locktype = 'virtualxid'
"""


@dataclass
class Held:
    """A run on its way to its stop, or at it.

    Attributes:
        reached: whether it is there.
        release: lets it go on.
        ends_as: what it comes to when it goes on.
        is_accepted: whether that is so already.
    """

    stop: str
    ground: Ground
    environment: dict[str, str]
    reached: Callable[[], bool]
    release: Callable[[], None]
    strategy: str = "transactional"
    has_probes: bool = False
    ends_as: Outcome = Outcome.DEPLOYED
    is_accepted: bool = False
    run_id: str = ""
    pid: int = 0

    def start(self, site: Site, queue: str) -> None:
        """Start it on a worker, as the UI and CI do."""
        field_ = self.ground.field
        folder = field_.folder_with_probes if self.has_probes else field_.folder
        deployment = site.get(f"/deployments/name/{DEPLOYMENT}")["id"]
        created = site.post(
            f"/deployments/{deployment}/create_flow_run",
            {
                "parameters": {
                    "migration": "008",
                    "folder": str(folder),
                    "budget_ms": BUDGET_MS,
                    "strategy": self.strategy,
                },
                # A target of its own for each run; in production the worker's
                # environment names it.
                "job_variables": {"env": self.environment},
                "work_queue_name": queue,
            },
        )
        self.run_id = created["id"]

    def wait(self, site: Site) -> None:
        """Return when it is held."""

        def arrived() -> bool:
            kind, name = site.state_of(self.run_id)
            assert kind not in ("COMPLETED", "FAILED", "CRASHED"), (self.stop, name)
            return self.reached()

        wait_for(arrived, f"a run held at {self.stop}")
        self.pid = wait_for(lambda: site.pid_of(self.run_id), "the run's process") or 0


@contextmanager
def held_at(stop: str, field_: Field, site: Site) -> Iterator[Held]:
    """The ground of a run, and what will hold it; not started yet."""
    with ExitStack() as stack:
        world = stack.enter_context(clone_world(field_.server, TEMPLATE))
        ground = Ground(field_, world)
        held = STOPS[stop](ground, site, stack)
        stack.callback(held.release)
        yield held


def _held(ground: Ground, stop: str, **how: object) -> Held:
    environment = ground.world.environment(NO_ENDPOINT)
    return Held(stop, ground, environment, **how)  # type: ignore[arg-type]


def _at_gate(
    stop: str, point: str, who: str, strategy: str = "transactional"
) -> Callable[[Ground, Site, ExitStack], Held]:
    """In the middle of a statement, on the server."""

    def make(ground: Ground, site: Site, stack: ExitStack) -> Held:
        ground.execute("INSERT INTO held.gate VALUES (%s, %s)", point, who)
        return _held(
            ground,
            stop,
            strategy=strategy,
            reached=lambda: ground.one(AT_GATE),
            release=lambda: ground.execute("DELETE FROM held.gate"),
        )

    return make


def _rollback(ground: Ground, site: Site, stack: ExitStack) -> Held:
    """Verification fails after the COMMIT; the subflow is held in its down.sql."""
    ground.execute("INSERT INTO held.failure VALUES ('verify', '%% verify %%')")
    held = _at_gate("rollback", "down", "%")(ground, site, stack)
    held.ends_as = Outcome.ROLLED_BACK
    return held


def _bad(ground: Ground, site: Site, stack: ExitStack) -> Held:
    """Held in mid-apply; its rollback is still to come."""
    ground.execute("INSERT INTO held.failure VALUES ('verify', '%% verify %%')")
    held = _at_gate("bad", "fill", "pgflight apply %")(ground, site, stack)
    held.ends_as = Outcome.ROLLED_BACK
    return held


def _preflight(ground: Ground, site: Site, stack: ExitStack) -> Held:
    """A question on its way to the server."""
    return _relayed(
        ground,
        stack,
        "preflight",
        lambda hello, data: b"pgflight preflight" in hello and b"relowner" in data,
    )


def _commit(ground: Ground, site: Site, stack: ExitStack) -> Held:
    """The migration's COMMIT on its way to the server."""
    return _relayed(
        ground,
        stack,
        "commit",
        lambda hello, data: b"pgflight apply" in hello and b"COMMIT\0" in data,
    )


def _relayed(
    ground: Ground,
    stack: ExitStack,
    stop: str,
    fits: Callable[[bytes, bytes], bool],
) -> Held:
    relay = _relay(stack, ground.field.server.port, fits)
    held = _held(ground, stop, reached=relay.reached.is_set, release=relay.open)
    url = urlsplit(ground.world.owner_url)
    login = url.netloc.rpartition(":")[0]
    through = url._replace(netloc=f"{login}:{relay.port}").geturl()
    held.environment["DATABASE_URL"] = through
    return held


def _baseline(ground: Ground, site: Site, stack: ExitStack) -> Held:
    """A slow application."""
    url = stack.enter_context(run_application(ground.world))
    relay = _relay(
        stack, urlsplit(url).port or 0, lambda hello, data: b"GET /health" in data
    )
    held = _held(
        ground,
        "baseline",
        has_probes=True,
        reached=relay.reached.is_set,
        release=relay.open,
    )
    held.environment["PGFLIGHT_ENDPOINT"] = f"http://{HOST}:{relay.port}"
    return held


def _smoke(ground: Ground, site: Site, stack: ExitStack) -> Held:
    """The application is at a statement of its own that hangs."""
    url = stack.enter_context(run_application(ground.world))
    # Of the application's role, whose name for itself is empty.
    held = _at_gate("smoke", "fill", "")(ground, site, stack)
    held.has_probes = True
    held.environment["PGFLIGHT_ENDPOINT"] = url
    return held


def _close(ground: Ground, site: Site, stack: ExitStack) -> Held:
    """All is done; Prefect is slow in taking the run's final state."""
    relay = _relay(stack, site.port, lambda hello, data: b'"name":"Deployed"' in data)
    held = _held(ground, "close", reached=relay.reached.is_set, release=relay.open)
    held.is_accepted = True
    held.environment["PREFECT_API_URL"] = f"http://{HOST}:{relay.port}/api"
    return held


def _lock(ground: Ground, site: Site, stack: ExitStack) -> Held:
    """Somebody reads the table, and goes on."""
    reader = stack.enter_context(psycopg.connect(ground.url))
    # Once preflight is over: it refuses who has read for long.
    held = _at_gate("lock", "started", "%")(ground, site, stack)

    def reached() -> bool:
        if ground.one(AT_GATE):
            reader.execute("LOCK TABLE platform.users IN ACCESS SHARE MODE")
            ground.execute("DELETE FROM held.gate")
        return bool(ground.one(WAITS_FOR_TABLE))

    held.reached, held.release = reached, reader.rollback
    return held


def _index(ground: Ground, site: Site, stack: ExitStack) -> Held:
    """CREATE INDEX CONCURRENTLY waits for an old snapshot."""
    reader = stack.enter_context(psycopg.connect(ground.url))
    reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    reader.execute("SELECT count(*) FROM platform.organizations")
    return _held(
        ground,
        "index",
        strategy="online",
        reached=lambda: ground.one(WAITS_FOR_SNAPSHOT),
        release=reader.rollback,
    )


def _relay(stack: ExitStack, port: int, fits: Callable[[bytes, bytes], bool]) -> Relay:
    relay = Relay(port, fits)
    stack.callback(relay.close)
    return relay


STOPS: dict[str, Callable[[Ground, Site, ExitStack], Held]] = {
    "preflight": _preflight,
    "claim": _at_gate("claim", "started", "%"),
    "baseline": _baseline,
    "apply": _at_gate("apply", "fill", "pgflight apply %"),
    "bad": _bad,
    "online": _at_gate("online", "fill", "pgflight step-%", "online"),
    "lock": _lock,
    "index": _index,
    "commit": _commit,
    "verify": _at_gate("verify", "verify", "% verify %"),
    "smoke": _smoke,
    "accept": _at_gate("accept", "accepted", "%"),
    "rollback": _rollback,
    "close": _close,
}
"""Every step that asks or tells somebody something, and where in it."""
