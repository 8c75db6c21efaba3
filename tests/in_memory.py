"""Temporary files in memory, where there is room.

A database is some 300 files. ext4 gives the place of a file that was deleted in the
last 35 seconds to nobody, and looks at all of these for each new one: with a database
for each test that was 15 to 230 ms a copy, of the machine's time and not only of the
disk's; in memory it is 11 ms. Power is not cut here: a server that is killed finds in
memory what it would find on a disk.
"""

import os
import shutil
import tempfile
from pathlib import Path
from tempfile import TemporaryDirectory

MEMORY = Path("/dev/shm")
ENOUGH = 8 * 2**30


def temporary_files_in_memory() -> TemporaryDirectory[str] | None:
    """For this process and those that it starts, as long as what is returned is held.

    Where TMPDIR is set, that stands.
    """
    if "TMPDIR" in os.environ or not _has_room():
        return None
    folder = TemporaryDirectory(
        prefix="pgflight-tests-", dir=MEMORY, ignore_cleanup_errors=True
    )
    # As every temporary directory is: the server has an account of its own.
    Path(folder.name).chmod(0o1777)
    os.environ["TMPDIR"] = tempfile.tempdir = folder.name
    return folder


def _has_room() -> bool:
    if not MEMORY.is_dir() or os.statvfs(MEMORY).f_flag & os.ST_NOEXEC:
        return False
    return shutil.disk_usage(MEMORY).free >= ENOUGH
