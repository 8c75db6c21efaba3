"""Cancel, and processes that die, at each step of a run on a real Prefect."""

import os
import signal
import time
from contextlib import ExitStack

import pytest

from tests.crashes import story
from tests.crashes.ground import make_field
from tests.crashes.held import STOPS, held_at
from tests.crashes.site import prefect_site


@pytest.fixture(scope="module")
def field(server, tmp_path_factory):
    with make_field(server, tmp_path_factory.mktemp("folders")) as f:
        yield f


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    t = time.monotonic()
    with prefect_site(tmp_path_factory.mktemp("prefect")) as site:
        print("site", time.monotonic() - t)
        yield site


def test_explore(field, site):
    names = os.environ.get("STOPS", "").split(",")
    names = list(STOPS) if names == [""] else names
    fault = os.environ.get("FAULT", "cancel")
    worker = site.start_worker("q1")
    failures = []
    with ExitStack() as stack:
        helds = [stack.enter_context(held_at(n, field, site)) for n in names]
        t = time.monotonic()
        for h in helds:
            h.start(site, "q1")
        for h in helds:
            try:
                h.wait(site)
                print(h.stop, "reached", time.monotonic() - t)
            except AssertionError as e:
                failures.append((h.stop, "reach", str(e)[:300]))
                print(failures[-1])
        t = time.monotonic()
        if fault == "cancel":
            for h in helds:
                site.set_state(h.run_id, "CANCELLING", "Cancelling", force=False)
        elif fault == "kill":
            for h in helds:
                os.kill(h.pid, signal.SIGKILL)
        elif fault == "kill-worker":
            worker.send(signal.SIGKILL)
        elif fault == "term-worker":
            worker.send(signal.SIGTERM)
        elif fault == "kill-server":
            site.services[0].send(signal.SIGKILL)
        print("fault done", time.monotonic() - t)
        if fault in ("kill-worker", "kill-server"):
            for h in helds:
                h.release()
        ends = {}
        from tests.crashes.site import is_alive

        while len(ends) < len(helds) and time.monotonic() - t < 150:
            for h in helds:
                if h.stop not in ends and not is_alive(h.pid):
                    ends[h.stop] = time.monotonic() - t
            time.sleep(0.05)
        print("ends", ends)
        if fault == "kill-server":
            site.services[0].start()
            site.wait_until_up()
        for h in helds:
            try:
                t = time.monotonic()
                story.assert_nobody_left(h.ground)
                gone = time.monotonic() - t
                p = h.ground.position()
                s = h.ground.states()
                ev = h.ground.ask(
                    "SELECT kind,outcome,left(detail,60) FROM pgflight.event ORDER BY id"
                )
                print(
                    h.stop, f"gone {gone:.1f}", p[:200], s, site.state_of(h.run_id), ev
                )
                story.assert_true(h.ground)
                story.assert_prefect_agrees(h, site)
                h.release()
                r = story.recover(h.ground)
                print(
                    "   recover:",
                    r.outcome,
                    r.errors,
                    h.ground.states(),
                    round(time.monotonic() - t, 1),
                )
                story.deploy_again(h.ground)
            except Exception as e:
                failures.append((h.stop, repr(e)[:600]))
                print(failures[-1])
    for f in failures:
        print("FAILURE", f)
    print(worker.log.read_text()[-3000:]) if os.environ.get("LOG") else None
    assert not failures
