"""Where each URL led at the last accepted deployment, kept in a Prefect Variable.

The ledger tells a copy of a database from the original; this tells a URL that leads to
another server than last week. It never fails a run: Prefect may be away.
"""

import hashlib
from collections.abc import Callable

from prefect.variables import Variable

from flows.database.place import place_of
from flows.database.preflight.clearance import Clearance
from flows.database.preflight.server import pin_findings
from flows.migration.finding import Finding
from flows.migration.flight import Identity
from flows.migration.pin import Pin
from flows.migration.target import Target
from flows.tasks.call import Call
from flows.tasks.engine import is_away, run_log

PATIENCE_S = 5.0


def remembered(target: Target) -> Pin | None:
    """Where this URL led before, if Prefect knows."""
    if is_away():
        return None
    found = _asked(lambda: Variable.get(variable_of(target)))
    if not isinstance(found, dict):
        return None
    of = f"the target {target.name}" if target.name else "this host, port and database"
    return Pin(str(found["identity"]), f"Prefect, for {of}")


def pinned_findings(clearance: Clearance) -> list[Finding]:
    """What preflight found elsewhere is not said twice."""
    target, identity = clearance.target, clearance.identity
    if not target or not identity or clearance.is_wrong_place:
        return []
    return list(pin_findings(target, identity.full_name, remembered(target)))


def remember(target: Target, identity: Identity) -> None:
    """Note where the URL leads."""
    if is_away():
        return
    value = {"place": place_of(target), "identity": identity.full_name}
    _asked(lambda: Variable.set(variable_of(target), value, overwrite=True))


def _asked(ask: Callable[[], object]) -> object:
    """Prefect's answer; None where it has none, or not in time."""
    call = Call(ask)
    call.join(PATIENCE_S)
    if not call.is_done:
        run_log().debug("Prefect does not say, or keep, where the URL leads")
    return call.found


def variable_of(target: Target) -> str:
    """Its name, by the target's own, or by the place that its URL names."""
    place = f"target {target.name}" if target.name else place_of(target)
    # A variable's name takes no colon and no slash.
    digest = hashlib.sha256(place.encode()).hexdigest()
    return f"pgflight_target_{digest[:24]}"
