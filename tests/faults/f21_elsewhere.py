"""F21: the answer is lost, and the address leads to another server from then on.

As after a failover to a server that was restored from an old backup, or a changed DNS
entry: a database of the same name, with the same roles, that knows nothing of the run.
"""

from flows.migration.outcome import Outcome
from tests.faults.experiment import Experiment, Turn, order
from tests.faults.ground import Ground, fresh_ground, make_field
from tests.faults.pilot import Pilot, Seen
from tests.faults.proxy import Deed, Line, Once, WireProxy, commit_of

DEEDS = (Deed.CUT_ANSWER, Deed.SWALLOW)


def round_(ground: Ground, turn: Turn) -> list[Seen]:
    with (
        make_field(ground.cluster.bin_dir) as field,
        fresh_ground(field, ground.world.database) as elsewhere,
    ):
        proxies: list[WireProxy] = []

        def lead_away(line: Line) -> None:
            proxies[0].lead_to(elsewhere.cluster.port)

        once = Once(commit_of("apply "), DEEDS[turn.number % 2], lead_away)
        with WireProxy(ground.cluster.port, once) as proxy:
            proxies.append(proxy)
            url = proxy.through(ground.world.owner_url)
            seen = Pilot(order(ground, url=url)).wait()
        is_untouched = elsewhere.fingerprint() == field.before
        ground.expect(is_untouched, "I6", "it was applied to the other server")
    ground.expect(once.is_done, "I3", "there was no COMMIT of apply")
    seen.may_be_unknown = True
    is_told = seen.outcome is Outcome.UNKNOWN and "another" in seen.errors
    ground.expect(is_told, "I3", f"ended {seen.outcome}: {seen.errors}")
    return [seen]


EXPERIMENT = Experiment(
    "F21",
    "Answer lost, address leads elsewhere",
    round_,
    rounds=4,
    reduced=1,
    is_quiet=True,
)
