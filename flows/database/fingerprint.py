"""The catalogue fingerprint: every object's definition as a hash."""

from flows.database.connection import Conn, one
from flows.database.queries import query

Fingerprint = dict[str, str]
"""An object's identity (``column platform.users.email``) and its definition's hash."""


def take_fingerprint(conn: Conn) -> Fingerprint:
    """Read the whole catalogue but the system's, extensions' and the ledger's part."""
    with conn.transaction(force_rollback=True):
        # The server writes names as the search_path needs them, and a script or a
        # role may have one of its own.
        conn.execute(query("pin_names"))
        return dict(one(conn, "select_fingerprint")["fingerprint"])


def differences(expected: Fingerprint, found: Fingerprint) -> list[str]:
    """Sentences naming each object that is new, gone or changed; empty when equal."""
    changed = (
        identity
        for identity in expected.keys() & found.keys()
        if expected[identity] != found[identity]
    )
    return sorted(
        [f"{identity} is gone" for identity in expected.keys() - found.keys()]
        + [f"{identity} is still there" for identity in found.keys() - expected.keys()]
        + [f"{identity} is not what it was" for identity in changed]
    )


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
