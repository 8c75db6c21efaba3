"""Cancel, and processes that die, at the steps of runs on a real Prefect.

PGFLIGHT_TEST_CRASHES=all has every fault hit every step: half an hour. Without it each
fault hits one to five of them, and each step is hit: about six minutes, two of them the
outage's.
"""

import os
import signal
from collections.abc import Iterator
from functools import partial

import pytest

from flows.demo.server import PostgresServer
from flows.migration.state_name import state_named
from tests.crashes import story
from tests.crashes.batch import FAULTS, Batch, held_batch, judge, kill_flow, settle
from tests.crashes.ground import Field, make_field
from tests.crashes.held import STOPS, Held, held_at
from tests.crashes.site import Site, database_for_prefect, prefect_site, wait_for

AT_ONCE = 5
"""So many runs a small machine cancels before Prefect's patience of 30 s is over."""
_OTHERS = [stop for stop in STOPS if stop != "commit"]
# A transaction is idle while its COMMIT is held, and the server ends it after a while.
PATIENT = [_OTHERS[at : at + AT_ONCE] for at in range(0, len(_OTHERS), AT_ONCE)]
IN_SHORT = [
    ("cancel", ["apply", "online", "rollback"]),
    ("kill-flow", ["lock", "index", "verify", "smoke", "rollback"]),
    ("kill-flow", ["commit"]),
    ("kill-server", ["preflight", "online", "rollback"]),
    ("restart-server", ["apply", "rollback"]),
    # A pipe that is broken ends a thread at its next line: at verify the main thread.
    ("kill-worker", ["verify", "rollback"]),
    ("stop-worker", ["claim", "baseline", "bad", "accept", "close"]),
    ("outage", ["online", "rollback"]),
    ("lock-server", ["online"]),
]
IN_ALL = [(fault, stops) for fault in FAULTS for stops in [*PATIENT, ["commit"]]]
IS_CAMPAIGN = os.environ.get("PGFLIGHT_TEST_CRASHES") == "all"
WANTED = IN_ALL if IS_CAMPAIGN else IN_SHORT


@pytest.fixture(scope="module")
def field(
    server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Field]:
    with make_field(server, tmp_path_factory.mktemp("folders")) as field:
        yield field


@pytest.fixture(scope="module")
def site(
    complete_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """On PostgreSQL: in Prefect's SQLite a writer has all others wait."""
    settings = database_for_prefect(complete_server, "prefect_of_crashes")
    # With stored results Prefect's Retry would skip what was once done.
    settings["PREFECT_RESULTS_PERSIST_BY_DEFAULT"] = "true"
    with prefect_site(tmp_path_factory.mktemp("prefect"), **settings) as site:
        yield site


@pytest.fixture(scope="module")
def site_on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Prefect's default, for the fault that holds its one lock."""
    with prefect_site(tmp_path_factory.mktemp("sqlite")) as site:
        yield site


@pytest.mark.parametrize(
    ("fault", "stops"),
    [pytest.param(*batch, id="-".join([batch[0], *batch[1]])) for batch in WANTED],
)
def test_fault_leaves_the_database_right(
    request: pytest.FixtureRequest, field: Field, fault: str, stops: list[str]
) -> None:
    named = "site_on_sqlite" if fault == "lock-server" else "site"
    site = request.getfixturevalue(named)
    with held_batch(field, site, stops) as batch:
        FAULTS[fault].hit(batch)
        judge(batch, FAULTS[fault])


def test_every_fault_and_every_step_are_in_the_short_campaign() -> None:
    assert {fault for fault, _ in IN_SHORT} == FAULTS.keys()
    assert {stop for _, stops in IN_SHORT for stop in stops} == STOPS.keys()


def is_called_crashed_twice(site: Site, run: Held) -> bool:
    """Prefect's worker does so to a run that was killed, seconds after each other.

    A Retry between the two is Crashed at once, and is flown all the same.
    """
    logs = {"logs": {"flow_run_id": {"any_": [run.run_id]}}}
    said = [log["message"] for log in site.post("/logs/filter", logs)]
    return any(
        "Check whether the flow run exceeded its memory" in line for line in said
    )


def retry(batch: Batch) -> list[str]:
    """The Retry button; returns the names of the states that the runs end in."""
    site = batch.site
    for run in batch.runs:
        site.set_state(run.run_id, "SCHEDULED", "AwaitingRetry", force=True)
    for run in batch.runs:
        wait_for(partial(site.is_over, run.run_id), f"the retried {run.stop}")
    return [site.state_of(run.run_id)[1] for run in batch.runs]


def test_retry_button_does_what_is_still_to_be_done(field: Field, site: Site) -> None:
    """After success, after a crash, and after a rollback (which is tried again)."""
    with held_batch(field, site, ["accept", "apply", "rollback"]) as batch:
        good, crashed, bad = batch.runs
        kill_flow(Batch(site, batch.worker, [crashed]))
        batch.release()
        for run in (good, bad):
            story.wait_until_over(run)
            story.assert_went_on(run)
            story.assert_prefect_says(run, site, [state_named(run.ends_as)])
        wait_for(partial(is_called_crashed_twice, site, crashed), "its worker's end")
        story.assert_nobody_left(crashed.ground)
        assert retry(batch) == ["NothingToDo", "Deployed", "RolledBack"]
        settle(batch)


def test_container_that_is_stopped_runs_again(field: Field, site: Site) -> None:
    """An evicted pod: SIGTERM in mid-apply puts the run back, and it is flown anew."""
    with held_at("apply", field, site) as run:
        run.start(site, "of-no-worker")
        how = {"PREFECT_FLOW_RUN_EXECUTE_SIGTERM_BEHAVIOR": "reschedule"}
        first = site.execute(run.run_id, **run.environment, **how)
        wait_for(run.reached, "a run held in a container")
        first.send(signal.SIGTERM)
        assert site.state_of(run.run_id) == ("SCHEDULED", "AwaitingRetry")
        story.assert_nobody_left(run.ground)
        story.assert_true(run.ground)
        run.release()
        second = site.execute(run.run_id, **run.environment, **how)
        wait_for(partial(site.is_over, run.run_id), "the second run")
        assert site.state_of(run.run_id) == ("COMPLETED", "Deployed")
        second.stop()
        story.deploy_again(run.ground)
