"""Several connection strings in one text: a variable, or a field of a form."""

import re

_URL = ("postgresql://", "postgres://")
_KEYWORD = re.compile(r"(?:^|\s)([a-z_]+)\s*=")


def connection_strings(text: str) -> list[str]:
    """One a line; in a line of URLs also several, with spaces between them."""
    found: list[str] = []
    for line in map(str.strip, text.splitlines()):
        found += line.split() if line.startswith(_URL) else [line]
    return [string for string in found if string]


def problem_of(string: str) -> str | None:
    """Why it cannot be one connection string; it is not quoted. None where it can."""
    if string.startswith(_URL):
        return None
    keywords: list[str] = _KEYWORD.findall(string)
    if not keywords:
        return "is neither a URL nor key=value"
    if len(set(keywords)) < len(keywords):
        return "says the same keyword twice: two of them in one line, it seems"
    return None
