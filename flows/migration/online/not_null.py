"""SET NOT NULL without a scan under its lock.

PostgreSQL 12 and newer skips the scan where a valid CHECK proves that there is no
NULL (ALTER TABLE, SET NOT NULL).
"""

import hashlib
from dataclasses import replace

from postgast import pg_query_pb2 as pb

from flows.migration.online.constraint_name import LONGEST_NAME
from flows.migration.online.made import made_constraint, made_not_null
from flows.migration.online.part import Place
from flows.migration.online.rerun import brief, unless
from flows.migration.online.steps import OnlineStep
from flows.migration.online.trees import (
    adding,
    altered,
    column,
    naming,
    null_test,
    sql_of,
)
from flows.migration.online.validate import validate


def not_null_steps(place: Place, name: str) -> list[OnlineStep]:
    """A CHECK, validated, then SET NOT NULL, and the CHECK is gone again."""
    check = pb.Constraint(
        contype=pb.CONSTR_CHECK,
        # Not …_not_null: PostgreSQL 18 gives that name to the NOT NULL itself.
        conname=_check_name(name),
        is_enforced=True,
        skip_validation=True,
        raw_expr=null_test(column(name), is_null=False),
    )
    made = made_constraint(place.table, check.conname, must_be_new=False)
    addition = altered(place.table, adding(check))
    first = brief(
        replace(place.statement, node=addition),
        [unless(made, sql_of(addition))],
        [made],
    )
    validation = validate(place, check)
    setting = altered(place.table, naming(pb.AT_SetNotNull, name))
    final = brief(
        replace(place.statement, node=setting),
        [sql_of(setting), made.undo],
        [made_not_null(place.table, name)],
    )
    return [first, validation, final]


def _check_name(column_name: str) -> str:
    """The server would shorten a longer name, and the CHECK not be found by it."""
    name = "_".join(("pgflight", column_name, "filled"))
    if len(name.encode()) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(column_name.encode()).hexdigest()
    return "_".join(("pgflight", digest[:16], "filled"))
