"""What the application answered, held against what a probe expects.

A difference names the status, the kind of content and expected JSON keys; never
anything else that was received, because bodies and headers may hold secrets.
"""

import json
import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flows.migration.probe import Answer

_STALE_PLAN = re.compile(
    rb"cached plan must not change result type|(?<![0-9A-Za-z])0A000(?![0-9A-Za-z])"
)
_CONTENT = {
    "": "no content type",
    "application/json": "JSON",
    "application/problem+json": "JSON",
    "text/html": "HTML",
    "text/plain": "plain text",
}


@dataclass(frozen=True)
class Reply:
    """An HTTP answer as it was received.

    Attributes:
        is_complete: False when only the beginning of the body was kept.
    """

    status: int
    content_type: str
    body: bytes
    is_complete: bool = True

    @property
    def content(self) -> str:
        """The kind of content in words; only well-known ones by their name."""
        media_type = self.content_type.partition(";")[0].strip().lower()
        return _CONTENT.get(media_type, "another content type")


def difference(reply: Reply, expected: Answer) -> str:
    """Say how a reply differs from what is expected; empty if it does not."""
    status = f"status {reply.status}"
    if reply.status != expected.status:
        is_redirect = 300 <= reply.status < 400
        note = ", a redirect that was not followed" if is_redirect else ""
        return f"{status} instead of {expected.status}{note} ({reply.content})"
    if expected.json_ is None:
        return ""
    if not reply.is_complete:
        return f"{status}, but the body is too large: {len(reply.body)} bytes and more"
    try:
        received = json.loads(reply.body)
    except (ValueError, RecursionError):
        return f"{status}, but the body is not JSON ({reply.content})"
    found = _json_difference(expected.json_, received, "")
    return f"{status}, but {found}" if found else ""


def stale_plan(reply: Reply) -> str:
    """What to do when the application says that its prepared statements are stale.

    PostgreSQL refuses a ``SELECT *`` that was prepared before its table got another
    column, with SQLSTATE 0A000; taking the column back would only do it again.
    Empty when the reply does not say so. Of its body only this is ever told.
    """
    if _STALE_PLAN.search(reply.body) is None:
        return ""
    return (
        "the application's database connections hold plans from before a change of"
        " columns (0A000, cached plan must not change result type): recycle its"
        " connection pools, or restart it; do not roll back for it"
    )


def is_same(expected: Any, received: Any) -> bool:
    """Compare two scalars.

    true is not 1, though Python says so; a UUID is the same in capitals, because
    PostgreSQL writes it in small letters however it was given.
    """
    if isinstance(expected, bool) != isinstance(received, bool):
        return False
    if _is_uuid(expected) and _is_uuid(received):
        return bool(expected.lower() == received.lower())
    return bool(expected == received)


def shown(value: str | None) -> str:
    """Show a value if it is an id or NULL; any other may be a secret."""
    if value is None:
        return "NULL"
    is_id = _is_uuid(value) or (value.isdecimal() and len(value) < 20)
    return value if is_id else "another value"


def _json_difference(expected: Any, received: Any, key: str) -> str:
    """Name the first key where the received value does not contain the expected."""
    if isinstance(expected, dict) and isinstance(received, dict):
        for name, value in expected.items():
            path = f"{key}.{name}".lstrip(".")
            if name not in received:
                return f"JSON key {path} is missing"
            if found := _json_difference(value, received[name], path):
                return found
        return ""
    if isinstance(expected, list) and isinstance(received, list):
        if len(expected) != len(received):
            return f"JSON key {key} has {len(received)} items, not {len(expected)}"
        for index, (value, other) in enumerate(zip(expected, received, strict=True)):
            if found := _json_difference(value, other, f"{key}[{index}]"):
                return found
        return ""
    if is_same(expected, received):
        return ""
    return f"JSON key {key} is not as expected" if key else "the JSON is not an object"


def _is_uuid(value: Any) -> bool:
    """Tell a UUID with its hyphens; 32 hexadecimal digits alone may be a token."""
    try:
        return isinstance(value, str) and str(UUID(value)) == value.lower()
    except ValueError:
        return False
