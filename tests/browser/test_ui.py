"""Prefect's UI, from the run form to the report, as an operator sees it.

The fixtures are one story, each with the run that it has started and watched to its
end; `make screenshots` keeps the pictures that are taken on the way.
"""

from pathlib import Path
from shutil import copytree

import pytest
from playwright.sync_api import Locator, expect

from flows.resources import SQL
from tests.browser.ui import GREEN, RED, Ui
from tests.fix_deployments import CHECKOUT, Deployments
from tests.fix_graph import CHAIN, Graph, graph_with

ROLLBACK = "rollback-migration / rollback-008"
PICTURES = CHECKOUT / "docs" / "ui"
MOST_BYTES = 150_000


@pytest.fixture(scope="module")
def production(ui: Ui, deployments: Deployments) -> None:
    """The workers' target, as a block: the form's list has it."""
    variables = deployments.world.environment(deployments.endpoint)
    done = deployments.pgflight("register", "production", **variables)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def deployed(ui: Ui, production: None) -> str:
    """008, by the form."""
    form = form_of(ui, "deploy-migration")
    ui.choose(form.get_by_label("Select strategy"), "auto")
    ui.shoot("run-form", height=1290)
    return started(ui, "Deployed")


@pytest.fixture(scope="module")
def taken_back(ui: Ui, deployed: str) -> str:
    """Its rollback, by hand."""
    form = form_of(ui, "rollback-migration")
    form.get_by_label("confirm").fill("008")
    form.get_by_label("reason").fill("The new switch confuses people.")
    ui.shoot("rollback-form", height=1080)
    return started(ui, "RolledBack")


@pytest.fixture(scope="module")
def suspended(ui: Ui, taken_back: str, broken: Path) -> str:
    """A deployment that waits for an approval, and will fail its smoke test."""
    form = form_of(ui, "deploy-migration")
    form.get_by_label("approval (Optional)", exact=True).click()
    form.get_by_label("folder").fill(str(broken))
    return started(ui, "Suspended")


@pytest.fixture(scope="module")
def approved(ui: Ui, suspended: str) -> str:
    """The same, once it was resumed and has ended."""
    dialog = ui.open_dialog("Resume")
    expect(dialog.get_by_text("3 keep the application waiting")).to_be_visible()
    ui.choose(dialog.get_by_label("Decision"), "approve")
    dialog.get_by_label("Approver").fill("Ann")
    dialog.get_by_label("Target").fill("production")
    ui.shoot("approval", height=1240)
    ui.send(dialog.get_by_role("button", name="Resume"), "resume")
    ui.wait_for_state("RolledBack")
    return suspended


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Migrations of which 008 fails its smoke test, after its COMMIT."""
    folder = tmp_path_factory.mktemp("broken") / "migrations"
    copytree(SQL / "migrations", folder)
    declared = folder / "008_active_org" / "migration.toml"
    text = declared.read_text()
    declared.write_text(text.replace("json = { active_org_id", "json = { org"))
    assert declared.read_text() != text
    return folder


def form_of(ui: Ui, flow: str) -> Locator:
    """The flow's form, with what each run needs."""
    form = ui.open_form(flow)
    form.get_by_label("migration", exact=True).fill("008")
    ui.choose(form.get_by_label("Select a block"), "production")
    return form


def started(ui: Ui, state: str) -> str:
    """The run that the form has started, once its page shows this state."""
    run = ui.submit()
    ui.open_run(run)
    ui.wait_for_state(state)
    return run


def graph_of(deployments: Deployments, run: str, last: str) -> Graph:
    path = f"flow_runs/{run}/graph-v2"
    return graph_with(lambda: deployments.ask("GET", path).json(), last)


def assert_report_is_drawn(ui: Ui, outcome: str) -> None:
    """Headline, what is left to do, a chart, and tables."""
    page = ui.page.get_by_test_id("markdown-display")
    expect(page.get_by_role("heading", level=1)).to_contain_text(outcome)
    expect(page.get_by_text("Left to do:")).to_be_visible()
    chart = page.locator("svg[aria-roledescription=gantt]")
    expect(chart.get_by_text("step apply")).to_be_visible()
    row = page.get_by_role("row").filter(has_text="ACCESS EXCLUSIVE").first
    expect(row).to_be_visible()


def test_form_starts_a_run_that_is_watched_to_its_end(
    ui: Ui, deployments: Deployments, deployed: str
) -> None:
    run = deployments.ask("GET", f"flow_runs/{deployed}").json()
    assert run["state"]["name"] == "Deployed"
    assert run["parameters"]["migration"] == "008"


def test_form_with_the_migration_alone_goes_to_the_workers_own_target(
    ui: Ui, deployments: Deployments, deployed: str
) -> None:
    """As the README tells a newcomer, by way of the notice."""
    ui.open_form("deploy-migration").get_by_label("migration", exact=True).fill("008")
    ui.follow_notice()
    run = ui.submit()
    ui.page.wait_for_url(f"**/runs/flow-run/{run}*")
    ui.wait_for_state("NothingToDo")
    assert not deployments.ask("GET", f"flow_runs/{run}").json()["parameters"]["target"]


def test_graph_is_the_chain_of_all_steps(
    ui: Ui, deployments: Deployments, deployed: str
) -> None:
    assert graph_of(deployments, deployed, "accept") == CHAIN
    ui.open_run(deployed)
    ui.wait_until_graph_has(GREEN)
    ui.shoot("run")


def test_report_is_a_page(ui: Ui, deployed: str) -> None:
    ui.open_run(deployed)
    ui.open_artifact("report-008")
    assert_report_is_drawn(ui, "DEPLOYED")
    ui.shoot("report", height=1180)


def test_rollback_by_hand_ends_rolled_back(
    ui: Ui, deployments: Deployments, taken_back: str
) -> None:
    run = deployments.ask("GET", f"flow_runs/{taken_back}").json()
    assert run["state"]["name"] == "RolledBack"
    assert run["parameters"]["confirm"] == "008"


def test_approval_in_the_dialog_lets_the_run_go_on(
    ui: Ui, deployments: Deployments, approved: str
) -> None:
    graph = graph_of(deployments, approved, ROLLBACK)
    assert graph["approval"] == {"plan"}
    assert graph["apply"] == {"approval"}


def test_rollback_hangs_where_it_started(
    ui: Ui, deployments: Deployments, approved: str
) -> None:
    assert graph_of(deployments, approved, ROLLBACK)[ROLLBACK] == {"smoke-test"}
    ui.open_run(approved)
    ui.wait_until_graph_has(GREEN)
    ui.wait_until_graph_has(RED)
    ui.shoot("run-rolled-back")


def test_report_of_a_rollback_says_why(ui: Ui, approved: str) -> None:
    ui.open_run(approved)
    ui.open_artifact("report-008")
    assert_report_is_drawn(ui, "ROLLED_BACK")
    page = ui.page.get_by_test_id("markdown-display")
    expect(page.get_by_text("JSON key org is missing").first).to_be_visible()
    ui.shoot("report-rolled-back", height=1180)


def test_ui_needs_no_other_machine(ui: Ui, approved: str) -> None:
    """Its analytics ask for their own settings before they learn that they are off."""
    assert ui.refused <= {"sr-client-cfg.amplitude.com"}


def test_pictures_in_the_documentation_are_those_that_are_taken(
    ui: Ui, approved: str
) -> None:
    kept = {path.name for path in PICTURES.glob("*.png")}
    assert kept == set(ui.taken)
    assert max(path.stat().st_size for path in PICTURES.glob("*.png")) < MOST_BYTES
