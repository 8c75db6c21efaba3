"""Markdown that no name, error or SQL text can break, or smuggle anything into.

What comes from outside is written as code, which no markup is read in, or as text with
every character escaped that GitHub's or Prefect's renderer would take for markup.
"""

import re
from collections.abc import Iterable, Sequence

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_MARKUP = re.compile(r"[\\`*_\[\]~|]")
_ENTITIES = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    # Mentions, issues and mathematics on GitHub.
    "@": "&#64;",
    "#": "&#35;",
    "$": "&#36;",
}
_ENTITY = re.compile("|".join(map(re.escape, _ENTITIES)))
_LINK = re.compile(r"(?i)(?<=\bhttp)://|(?<=\bhttps)://|(?<=\bftp)://|(?<=\bwww)\.")
_BACKTICKS = re.compile(r"`+")
_BEFORE_PIPE = re.compile(r"(\\*)\|")


def text(outside: str) -> str:
    """One line of plain text: no markup in it, no HTML, no link, no mention."""
    line = " ".join(_CONTROL.sub(" ", outside).split())
    escaped = _MARKUP.sub(lambda found: f"\\{found[0]}", line)
    escaped = _ENTITY.sub(lambda found: _ENTITIES[found[0]], escaped)
    return _LINK.sub(_broken, escaped)


def lines(outside: str) -> str:
    """Plain text of several lines, for a table's cell."""
    return "<br>".join(text(line) for line in outside.splitlines() if line.strip())


def code(outside: str) -> str:
    """One line as code; whatever it holds, it stays code."""
    line = " ".join(_CONTROL.sub(" ", outside).split())
    if not line:
        return ""
    fence = _fence(line, 1)
    pad = " " if line[0] in "` " or line[-1] in "` " else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def block(outside: str, language: str = "") -> list[str]:
    """Several lines as code."""
    # Form feeds and the like end a line for some renderers, and not for others.
    clean = [_CONTROL.sub(" ", line) for line in outside.splitlines()]
    fence = _fence("\n".join(clean), 3)
    return [f"{fence}{language}", *clean, fence]


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table of cells that are Markdown already; nothing where there is no row."""
    found = [_row(row) for row in rows]
    if not found:
        return []
    return [_row(headings), f"|{'---|' * len(headings)}", *found]


def unbroken(cell: str) -> str:
    """A short cell that a narrow table does not break in two, such as ``12 ms``."""
    return cell.replace(" ", "\u00a0")


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(_in_cell, cells))} |"


def _in_cell(cell: str) -> str:
    # A pipe ends a cell also within code, unless an odd number of backslashes is
    # before it. Of these the renderer takes one away.
    return _BEFORE_PIPE.sub(
        lambda found: found[0] if len(found[1]) % 2 else f"{found[1]}\\|", cell
    )


def _broken(found: re.Match[str]) -> str:
    return "&#46;" if found[0] == "." else "&#58;&#47;/"


def _fence(inside: str, least: int) -> str:
    longest = max((len(run) for run in _BACKTICKS.findall(inside)), default=0)
    return "`" * max(least, longest + 1)
