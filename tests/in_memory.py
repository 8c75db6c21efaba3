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
from multiprocessing.util import Finalize
from pathlib import Path

MEMORY = Path("/dev/shm")
ENOUGH = 8 * 2**30
LAST = -200
"""When the process ends: multiprocessing removes its own files at -100."""


def keep_temporary_files_in_memory() -> None:
    """Of this process and those that it starts; all of it is gone when it ends.

    Where TMPDIR is set, that stands.
    """
    if "TMPDIR" in os.environ or not _has_room():
        return
    folder = tempfile.mkdtemp(prefix="pgflight-tests-", dir=MEMORY)
    remove = {"ignore_errors": True}
    Finalize(None, shutil.rmtree, (folder,), remove, exitpriority=LAST)
    # As every temporary directory is: the server has an account of its own.
    Path(folder).chmod(0o1777)
    os.environ["TMPDIR"] = tempfile.tempdir = folder


def _has_room() -> bool:
    if not MEMORY.is_dir() or os.statvfs(MEMORY).f_flag & os.ST_NOEXEC:
        return False
    return shutil.disk_usage(MEMORY).free >= ENOUGH
