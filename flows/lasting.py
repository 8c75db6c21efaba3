"""Standard output that outlives its reader: what is shown decides nothing.

A pipe that nobody reads any more (`| head`, a log collector that died), a full disk or
a terminal that is gone fails the next line. rich ends the process on that, and in the
middle of a flight that would take a good migration back.
"""

import os
import sys
from contextlib import suppress
from typing import Any, TextIO, cast


class Lasting:
    """A stream whose writing does not fail; what cannot be written is lost."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write it; what the stream's encoding does not have as question marks."""
        encoding = self._stream.encoding or "utf-8"
        try:
            self._stream.write(text.encode(encoding, "replace").decode(encoding))
        except (OSError, ValueError):
            self._let_go()
        return len(text)

    def flush(self) -> None:
        """Flush, if it still leads anywhere."""
        try:
            self._stream.flush()
        except (OSError, ValueError):
            self._let_go()

    def _let_go(self) -> None:
        """Python flushes once more at its end; that must not fail either."""
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def outlive_readers() -> None:
    """From now on neither standard output nor standard error can fail."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name) or open(os.devnull, "w")  # noqa: SIM115
        if not isinstance(stream, Lasting):
            setattr(sys, name, cast(TextIO, Lasting(stream)))
