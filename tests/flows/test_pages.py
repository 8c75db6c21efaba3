"""The pages of a run in Prefect: each once, of every kind of run."""

from collections import Counter
from typing import Any

import pytest

from flows.demo.service import run_application
from flows.demo.world import World
from flows.migration.outcome import Outcome
from tests.fix_flight import Edit
from tests.fix_prefect import Fly
from tests.flows.test_online import artifacts


def pages_with(key: str) -> dict[str, str]:
    """All pages of the last run that has one of this key, by their keys.

    Each of them is there once.
    """
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

    run = artifacts(key)[0].flow_run_id
    wanted = FlowRunFilter(id=FlowRunFilterId(any_=[run]))
    with get_client(sync_client=True) as client:
        found: list[Any] = client.read_artifacts(flow_run_filter=wanted)
    assert set(Counter(page.key for page in found).values()) == {1}
    return {page.key: page.data for page in found}


def test_deployment_has_its_pages(deploy: Fly) -> None:
    report = deploy()
    pages = pages_with("report-008")
    names = {"preflight", "plan", "baseline", "locks", "checks", "probes", "report"}
    assert pages.keys() == {f"{name}-008" for name in names}
    assert pages["report-008"].startswith("# ✅ DEPLOYED: deploy 008")
    assert report.run_id in pages["report-008"]
    assert "ACCESS EXCLUSIVE" in pages["locks-008"]


def test_verification_and_rollback_have_theirs(
    deploy: Fly, verify: Fly, roll_back: Fly
) -> None:
    deploy()
    verify()
    assert {"checks-verify-008", "report-verify-008"} <= pages_with(
        "report-verify-008"
    ).keys()
    roll_back()
    pages = pages_with("report-rollback-008")
    assert {"locks-rollback-008", "report-rollback-008"} <= pages.keys()
    assert "`platform.users.active_org_id` | 450" in pages["report-rollback-008"]


def test_blocked_run_has_its_findings(deploy: Fly) -> None:
    assert deploy("007").outcome is Outcome.BLOCKED
    pages = pages_with("report-007")
    assert pages.keys() == {"preflight-007", "report-007"}
    assert "❌\u00a0block" in pages["preflight-007"]


def test_rolled_back_deployment_tells_of_its_rollback(
    deploy: Fly, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with run_application(world, "endpoint") as broken:
        monkeypatch.setenv("PGFLIGHT_ENDPOINT", broken)
        deploy()
    page = pages_with("report-008")["report-008"]
    assert page.startswith("# ↩️ ROLLED_BACK")
    assert "## The rollback: ROLLED_BACK" in page
    assert "step rollback revert :" in page
    assert "report-rollback-008" in pages_with("report-rollback-008")


def test_apply_in_vain_has_its_locks(deploy: Fly, append: Edit) -> None:
    append("verify.sql", "DO $$ BEGIN RAISE EXCEPTION 'not good enough'; END $$;")
    assert deploy().outcome is Outcome.ROLLED_BACK
    assert "Of attempts that came to nothing" in pages_with("report-008")["locks-008"]
