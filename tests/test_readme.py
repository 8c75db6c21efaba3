"""Every command in the README is run by a test, and those here are run as written."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from flows.cli import app, run
from flows.demo.world import World
from tests.fix_newcomer import Newcomer

CHECKOUT = Path(__file__).resolve().parents[1]
README = CHECKOUT / "README.md"
PICTURES = CHECKOUT / "docs" / "ui.md"

RUN_BY = {
    "make demo": "tests/test_demo.py",
    "make demo BREAK=endpoint": "tests/test_demo.py",
    "make demo BREAK=backfill": "tests/test_demo.py",
    "make demo BREAK=functions": "tests/test_demo.py",
    "make demo USERS=1000000": "tests/test_demo.py",
    "make demo UI=1": "tests/demo/test_own_prefect.py",
    "make test": ".ci/run",
    "pip install '.[demo]'": "tests/test_package.py",
    "make setup": ".ci/run",
    "prefect deployment run deploy-migration/production --param migration=008"
    ' --start-in "6 hours"': "tests/test_prefect_deployments.py",
    "prefect deployment run rollback-migration/production --param migration=008"
    ' --param confirm=008 --start-in "10 minutes"': "tests/test_prefect_deployments.py",
}


def commands(text: str = "") -> Iterator[str]:
    """The lines of all ``sh`` blocks, without their comments.

    Args:
        text: Markdown; the README where it is left out.
    """
    text = text or README.read_text()
    for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
        for line in block.splitlines():
            command = re.sub(r"\s+#.*", "", line)
            if command:
                yield command


def own_database() -> list[list[str]]:
    """The ``pgflight`` commands of the README, in its order."""
    return [shlex.split(line) for line in commands() if _is_of_own_database(line)]


def of_own_prefect() -> list[str]:
    """What the README has a newcomer type for a Prefect of one's own."""
    _, _, section = README.read_text().partition("## Three ways to trigger it")
    return [c for c in commands(section) if c not in RUN_BY]


def _is_of_own_database(command: str) -> bool:
    return command.startswith("pgflight ") and command not in of_own_prefect()


def ci_files() -> list[dict[str, Any]]:
    """The YAML of the README: a workflow of GitHub's, a job of GitLab's."""
    blocks = re.findall(r"```yaml\n(.*?)```", README.read_text(), re.DOTALL)
    return [yaml.safe_load(block) for block in blocks]


def test_every_command_is_run_somewhere() -> None:
    here = ("export ",)
    others = {
        c for c in commands() if not c.startswith(here) and not _is_of_own_database(c)
    }
    assert others - set(of_own_prefect()) == RUN_BY.keys()


@pytest.mark.parametrize(("command", "where"), RUN_BY.items())
def test_what_is_named_runs_the_command(command: str, where: str) -> None:
    text = (CHECKOUT / where).read_text()
    if where == ".ci/run":
        (own,) = re.findall(r"^PGFLIGHT_CI=1 (make .*)$", text, re.MULTILINE)
        assert set(recipe(command)) <= set(recipe(own))
        return
    if command.startswith("make "):
        command = recipe(command)[-1]
    # How many users are filled in, and the program's own path, are the test's matter.
    _, *words = [word for word in shlex.split(command) if not word.isdecimal()]
    missing = [word for word in words if f'"{word}"' not in text]
    assert not missing, (where, command)


def recipe(command: str) -> list[str]:
    """What make would run."""
    make, *rest = shlex.split(command)
    # Below another make, as in `make test`, it would say where it goes.
    options = ["--dry-run", "--always-make", "--no-print-directory"]
    dry = [make, *options, *rest]
    said = subprocess.run(dry, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    return said.stdout.splitlines()


def test_own_prefect_as_written(newcomer: Newcomer) -> None:
    """Three terminals, as it says; then what the jobs of CI run."""
    lines = of_own_prefect()
    for line in lines:
        newcomer.type(line)
    assert "DEPLOYED" in newcomer.last
    for line in ci_lines():
        newcomer.type(line)
        assert "NOTHING_TO_DO" in newcomer.last, newcomer.last


def ci_lines() -> list[str]:
    """What the README's jobs run of pgflight."""
    github, gitlab = ci_files()
    steps = [step.get("run", "") for step in github["jobs"]["deploy"]["steps"]]
    every = (*steps, *gitlab["migrate"]["script"])
    return [line for line in every if line.startswith("pgflight")]


def test_ci_runs_what_the_command_line_takes() -> None:
    lines = ci_lines()
    assert len(lines) == 2
    for line in lines:
        _, *arguments = shlex.split(line)
        command, bound, _ = app.parse_args(arguments, exit_on_error=False)
        assert command is run
        assert bound.arguments["watch"] is True
        assert "$" in bound.arguments["idempotency_key"]


def test_own_database_as_written(
    prefect: None, world: World, application: str, folder: Path
) -> None:
    from prefect.settings import PREFECT_API_URL

    variables = {
        **os.environ,
        **world.environment(application),
        "PGFLIGHT_MIGRATIONS": str(folder),
        "PREFECT_API_URL": str(PREFECT_API_URL.value()),
    }
    for _, *arguments in own_database():
        done = subprocess.run(
            [sys.executable, "-m", "flows.cli", *arguments],
            env=variables,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)


def test_pictures_are_those_that_make_screenshots_takes() -> None:
    """And the test that it runs takes no others: tests/browser/test_ui.py."""
    said = "\n".join(recipe("make screenshots"))
    assert "PGFLIGHT_TEST_SCREENSHOTS=docs/ui .venv/bin/python -m pytest" in said
    assert "tests/browser" in said
    shown = set(re.findall(r"\(ui/(\S+\.png)\)", PICTURES.read_text()))
    assert shown == {path.name for path in (CHECKOUT / "docs" / "ui").iterdir()}
    in_readme = set(re.findall(r"\(docs/ui/(\S+\.png)\)", README.read_text()))
    assert in_readme and in_readme <= shown


def test_exported_variables_are_those_that_are_read() -> None:
    names = {c.split()[1].split("=")[0] for c in commands() if c.startswith("export ")}
    assert names == {
        *("DATABASE_URL", "PGFLIGHT_MIGRATIONS", "PGFLIGHT_ENDPOINT"),
        "PREFECT_API_URL",
    }


def test_links_lead_somewhere() -> None:
    pages = [README, CHECKOUT / "CONTRIBUTING.md", *(CHECKOUT / "docs").glob("*.md")]
    links = [
        (page, *link.partition("#")[::2])
        for page in pages
        for link in re.findall(r"\]\((?!https?:)(\S+?)\)", page.read_text())
    ]
    assert len(links) > 30
    for page, path, anchor in links:
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), (page.name, path)
        assert not anchor or anchor in _anchors(found.read_text()), (page.name, anchor)


def _anchors(text: str) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings}
