"""Preflight of owners: whose rights a SECURITY DEFINER function will run with."""

from collections.abc import Iterator

from flows.database.connection import one
from flows.database.preflight.inspection import Inspection, block
from flows.migration.allowance import superuser_definer
from flows.migration.finding import Finding


def definer_findings(inspection: Inspection) -> Iterator[Finding]:
    """Functions that a superuser will own: asked only where a superuser deploys.

    Nobody else can make or replace one of a superuser's.
    """
    expectations = inspection.migration.expectations
    if not expectations.definers or not one(inspection.conn, "am_superuser")["am"]:
        return
    owners = {known.signature: known.owner for known in expectations.functions}
    for definer in expectations.definers:
        found = one(
            inspection.conn,
            "select_future_owner",
            signature=definer.signature,
            owner=owners.get(definer.signature),
        )
        if found["is_superuser"]:
            problem = superuser_definer(definer.signature, found["owner"])
            yield block(
                "superuser-definer",
                f"{definer.signature} {problem.partition(':')[0]}",
                problem.partition(": ")[2],
            )
