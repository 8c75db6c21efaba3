"""The catalogue fingerprint: every object's definition as a hash."""

from collections.abc import Collection, Iterable

from flows.database.connection import Conn, one
from flows.database.queries import query
from flows.migration.mentions import Mentions

Fingerprint = dict[str, str]
"""An object's identity (``column platform.users.email``) and its definition's hash."""


def take_fingerprint(conn: Conn) -> Fingerprint:
    """Read the whole catalogue but the system's, extensions' and the ledger's part."""
    with conn.transaction(force_rollback=True):
        # The server writes names as the search_path needs them, and a script or a
        # role may have one of its own.
        conn.execute(query("pin_names"))
        if not one(conn, "fingerprint_is_prepared")["found"]:
            conn.execute(query("prepare_fingerprint"), {})
        return dict(one(conn, "select_fingerprint")["fingerprint"])


def differences(
    expected: Fingerprint, found: Fingerprint, but: Collection[str] = ()
) -> list[str]:
    """Sentences naming each object that is new, gone or changed; empty when equal.

    Args:
        but: objects that do not count.
    """
    return sorted(
        f"{identity} {_how(identity, expected, found)}"
        for identity in differing(expected, found)
        if identity not in but
    )


def differing(expected: Fingerprint, found: Fingerprint) -> set[str]:
    """The objects that are new, gone or changed."""
    return {
        identity
        for identity in expected.keys() | found.keys()
        if expected.get(identity) != found.get(identity)
    }


def _how(identity: str, expected: Fingerprint, found: Fingerprint) -> str:
    if identity not in found:
        return "is gone"
    return "is not what it was" if identity in expected else "is still there"


def expected_after_revert(
    before: Fingerprint, after: Fingerprint | None, now: Fingerprint
) -> Fingerprint:
    """What the catalogue must be once a migration is reverted.

    What the migration changed goes back to what it was before; what somebody else
    changed since the COMMIT stays as it is now. ``after`` is None when the deployment
    died before it was taken: then everything counts as the migration's.
    """
    if after is None:
        return before
    ours = {
        identity
        for identity in before.keys() | after.keys()
        if before.get(identity) != after.get(identity)
    }
    expected = {
        identity: hash for identity, hash in now.items() if identity not in ours
    }
    expected |= {identity: before[identity] for identity in ours if identity in before}
    return expected


def of_others(
    different: Iterable[str],
    before: Fingerprint,
    now: Fingerprint,
    found: Fingerprint,
    mentions: Mentions,
) -> list[str]:
    """Those of the objects that differ which somebody else has made or changed.

    Beside the deployment (they are ``now``, when the revert begins, as they are found
    at its end) or beside the revert; and neither script mentions them. What is gone is
    always told as the migration's.

    Args:
        before: the catalogue before the migration.
    """
    return sorted(
        name
        for name in different
        if name in found
        and not _may_be_ours(
            name, before if found[name] == now.get(name) else now, mentions
        )
    )


def _may_be_ours(name: str, earlier: Fingerprint, mentions: Mentions) -> bool:
    if name in earlier:
        return mentions.may_have_changed(name)
    return mentions.may_have_made(name, earlier)
