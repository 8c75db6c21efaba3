"""Which account PostgreSQL runs as: it refuses to run as root."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from flows.migration.errors import BadInput

UNPRIVILEGED = "nobody"


class ProcessArguments(TypedDict, total=False):
    """What `subprocess` takes beside the command."""

    cwd: str
    env: dict[str, str]
    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Account:
    """An account of this machine to start processes as; None means our own."""

    uid: int | None = None
    gid: int | None = None

    @property
    def process_arguments(self) -> ProcessArguments:
        """For a process that sees nothing of us: another account may not enter
        our directory, and PG… variables would lead the programs elsewhere."""
        arguments: ProcessArguments = {
            "cwd": "/",
            "env": {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
        }
        if self.uid is not None and self.gid is not None:
            arguments |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return arguments

    def give(self, folder: Path) -> None:
        """Make a folder and all that is in it belong to this account."""
        if self.uid is None or self.gid is None:
            return
        for path in (folder, *folder.rglob("*")):
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


OURSELVES = Account()


def server_account() -> Account:
    """Our own account, or `nobody` where we are root.

    Raises:
        BadInput: we are root and there is no such account.
    """
    if os.geteuid() != 0:
        return OURSELVES
    try:
        entry = pwd.getpwnam(UNPRIVILEGED)
    except KeyError:
        raise BadInput(
            f"PostgreSQL refuses to run as root, and account {UNPRIVILEGED} is missing",
            "Run this as an ordinary user.",
        ) from None
    return Account(entry.pw_uid, entry.pw_gid)
