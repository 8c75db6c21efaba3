"""A shell command that runs once this process is over, however it ends."""

import subprocess
from collections.abc import Sequence

from flows.demo.account import Account


class Lifeline:
    """Holds a command back until `cut`, or until this process is gone.

    A shell waits at the other end of a pipe. The kernel closes the pipe whatever
    ends us (an exception, Ctrl-C, SIGTERM, SIGKILL), so no signal handler and no
    atexit hook is needed, and there is only one way down.

    Args:
        command: for ``sh``; the arguments are ``$1``, ``$2``, … in it.
        account: who runs it.
    """

    def __init__(self, command: str, arguments: Sequence[str], account: Account):
        self._shell = subprocess.Popen(
            ["sh", "-c", f"cat >/dev/null; {command}", "lifeline", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Ctrl-C goes to all processes of a terminal's group: not to this one.
            start_new_session=True,
            **account.process_arguments,
        )

    def cut(self) -> None:
        """Run the command now, and wait for its end."""
        self._shell.communicate()
