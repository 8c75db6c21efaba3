"""The three ways of triggering, on prefect.yaml as it is: by name, as CI does it."""

import subprocess
from urllib.parse import urlsplit

import pytest

from tests.fix_deployments import Deployments


def run(deployments: Deployments, name: str, *parameters: str) -> tuple[int, str]:
    """Exit code, and the line that tells the final state."""
    options = [option for text in parameters for option in ("--param", text)]
    command = ["deployment", "run", name, *options, "--watch"]
    answer: subprocess.CompletedProcess[str] = deployments.prefect(*command)
    return answer.returncode, answer.stdout.strip().splitlines()[-1]


def test_ci_deploys_verifies_and_rolls_back(deployments: Deployments) -> None:
    deployed = run(deployments, "deploy-migration/production", "migration=008")
    assert deployed == (0, "Flow run finished successfully in 'Deployed'.")
    verified = run(deployments, "verify-migration/nightly")
    assert verified == (0, "Flow run finished successfully in 'NothingToDo'.")
    rolled_back = run(deployments, "rollback-migration/production", "migration=008")
    assert rolled_back == (0, "Flow run finished successfully in 'RolledBack'.")


@pytest.mark.parametrize("flow", ["deploy-migration", "rollback-migration"])
def test_run_can_be_put_off(deployments: Deployments, flow: str) -> None:
    options = ("--param", "migration=008", "--start-in", "6 hours")
    answer = deployments.prefect("deployment", "run", f"{flow}/production", *options)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "Created flow run" in answer.stdout


def test_ci_fails_when_a_migration_is_blocked(deployments: Deployments) -> None:
    blocked = run(deployments, "deploy-migration/production", "migration=007")
    assert blocked == (1, "Flow run finished in state 'Blocked'.")


def test_prefect_keeps_no_secret(deployments: Deployments) -> None:
    run(deployments, "deploy-migration/production", "migration=008")
    files = [path for path in deployments.home.rglob("*") if path.is_file()]
    kept = b"".join(path.read_bytes() for path in files)
    password = urlsplit(deployments.world.owner_url).password
    assert b"deploy-migration" in kept
    assert password
    assert password.encode() not in kept
    assert deployments.world.token.encode() not in kept


def test_worker_keeps_its_files_where_its_server_does(deployments: Deployments) -> None:
    """Not in /tmp: nothing is left there, and nobody else's folder is in the way."""
    run(deployments, "verify-migration/nightly")
    assert (deployments.home / "runner_storage").is_dir()


def test_nightly_is_scheduled(deployments: Deployments) -> None:
    nightly = deployments.read("verify-migration/nightly")
    schedules = nightly["schedules"]
    assert [schedule["active"] for schedule in schedules] == [True]


@pytest.mark.parametrize(
    "name",
    [
        "deploy-migration/production",
        "rollback-migration/production",
        "verify-migration/nightly",
    ],
)
def test_no_flow_depends_on_a_reader_of_its_output(
    deployments: Deployments, name: str
) -> None:
    assert deployments.read(name)["job_variables"] == {"stream_output": False}
