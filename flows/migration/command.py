"""A command as it is to be typed, always with the target that the run went to."""

import shlex


def command(name: str, version: str = "", target: str = "") -> str:
    """The command line; a version that was mistyped stays one word of it.

    Args:
        target: the target's name; empty for the environment's own.
    """
    words = ["pgflight", name, version] if version else ["pgflight", name]
    if target:
        words += ["--target", target]
    return shlex.join(words)
