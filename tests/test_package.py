"""The wheel: what it holds, and that it works where there is no checkout."""

import json
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
SOURCES = ("flows", "sql", "prefect.yaml", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built of a copy: other tests may read the checkout meanwhile."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        source, copy = CHECKOUT / name, folder / "checkout" / name
        copy.parent.mkdir(exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, copy)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    options = ["--no-build-isolation", "--wheel-dir", str(folder)]
    subprocess.run([*pip, *options, str(folder / "checkout")], check=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def pgflight(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command, in a virtualenv that sees this one's packages but not the checkout:
    .pth files, such as that of an editable install, do not count at second hand.
    """
    home = tmp_path_factory.mktemp("installed")
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    subprocess.run([*pip, "--no-deps", "--no-index", str(wheel)], check=True)
    (site_packages,) = home.glob("lib/python*/site-packages")
    ours = sysconfig.get_path("purelib")
    (site_packages / "packages.pth").write_text(f"{ours}\n")
    return home / "bin" / "pgflight"


def run(
    command: Path, folder: Path, *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Run it in an empty folder, with nothing of our environment."""
    return subprocess.run(
        [command, *arguments],
        cwd=folder,
        env={"HOME": str(folder), "PATH": "/usr/bin:/bin"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def names_in(wheel: Path) -> set[str]:
    with ZipFile(wheel) as archive:
        return set(archive.namelist())


def read(wheel: Path, ending: str) -> str:
    with ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(ending))
        return archive.read(name).decode()


def test_wheel_holds_all_sql(wheel: Path) -> None:
    files = [path for path in (CHECKOUT / "sql").rglob("*") if path.is_file()]
    names = {f"flows/{path.relative_to(CHECKOUT).as_posix()}" for path in files}
    assert "flows/sql/migrations/008_active_org/migration.toml" in names
    assert names <= names_in(wheel)


def test_wheel_holds_nothing_but_the_package(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in names_in(wheel)}
    assert tops == {"flows", "pgflight-0.1.0.dist-info"}


def test_wheel_holds_the_licence(wheel: Path) -> None:
    assert read(wheel, "licenses/LICENSE") == (CHECKOUT / "LICENSE").read_text()


def test_wheel_holds_the_deployments(wheel: Path) -> None:
    assert read(wheel, "flows/prefect.yaml") == (CHECKOUT / "prefect.yaml").read_text()


def test_wheel_is_typed(wheel: Path) -> None:
    assert "flows/py.typed" in names_in(wheel)


def test_what_the_demo_needs_is_an_extra_that_can_be_installed() -> None:
    """As the README installs it, with the packages that are tested; nothing is done."""
    pip = [sys.executable, "-m", "pip", "install", "--dry-run"]
    options = ["--no-index", "--no-build-isolation"]
    done = subprocess.run(
        [*pip, *options, ".[demo]"], cwd=CHECKOUT, capture_output=True, text=True
    )
    assert "Would install pgflight" in done.stdout, done.stderr
    assert "does not provide the extra" not in done.stdout + done.stderr


def test_installed_command_explains_itself(pgflight: Path, tmp_path: Path) -> None:
    answer = run(pgflight, tmp_path, "--help")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "deploy" in answer.stdout


def test_installed_command_tells_its_version(pgflight: Path, tmp_path: Path) -> None:
    assert run(pgflight, tmp_path, "--version").stdout == "0.1.0\n"


def test_installed_command_plans_its_own_migration(
    pgflight: Path, tmp_path: Path
) -> None:
    (shipped,) = pgflight.parents[1].glob("lib/python*/site-packages/flows/sql")
    folder = str(shipped / "migrations")
    answer = run(pgflight, tmp_path, "plan", "008", "--folder", folder, "--json")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert json.loads(answer.stdout)["version"] == "008"


def test_installed_command_uses_no_checkout(pgflight: Path, tmp_path: Path) -> None:
    python = pgflight.with_name("python")
    code = "import flows; print(flows.__file__)"
    printed = run(python, tmp_path, "-c", code).stdout
    assert Path(printed.strip()).is_relative_to(pgflight.parents[1])
