"""ADD CONSTRAINT: NOT VALID first, which is brief, then VALIDATE beside the others."""

from postgast import pg_query_pb2 as pb

from flows.migration.online.constraint_name import constraint_name
from flows.migration.online.made import made_constraint
from flows.migration.online.part import Part, Place
from flows.migration.online.refused import Refused
from flows.migration.online.trees import adding, copied
from flows.migration.online.unique import add_unique
from flows.migration.online.validate import validate

_UNIQUE = {pb.CONSTR_PRIMARY, pb.CONSTR_UNIQUE}
_CHECKED = {pb.CONSTR_CHECK, pb.CONSTR_FOREIGN}


def add_constraint(place: Place, constraint: pb.Constraint) -> Part:
    """ADD CONSTRAINT of any kind.

    Raises:
        Refused: nothing but one long lock can add it.
    """
    if constraint.contype in _UNIQUE:
        return add_unique(place, constraint)
    if constraint.contype not in _CHECKED:
        kind = pb.ConstrType.Name(constraint.contype).removeprefix("CONSTR_")
        raise Refused(
            f"a constraint of the kind {kind} is checked under a lock against"
            " reads and writes",
            "Write a CHECK, UNIQUE or FOREIGN KEY constraint, or deploy it with the"
            " transactional strategy.",
        )
    return _add_checked(place, constraint)


def _add_checked(place: Place, written: pb.Constraint) -> Part:
    if written.fk_with_period:
        raise Refused(
            "rows that a PERIOD key refers to cannot be looked up row by row",
            "Deploy it with the transactional strategy.",
        )
    constraint = copied(written)
    constraint.conname = constraint_name(place.table, written)
    constraint.skip_validation = True
    constraint.initially_valid = False
    is_replaced = constraint.conname in place.dropped
    made = made_constraint(place.table, constraint.conname, not is_replaced)
    validation = validate(place, constraint)
    after = () if written.skip_validation else (validation,)
    if is_replaced:
        return Part(now=(adding(constraint),), makes=(made,), after=after)
    return Part(guarded=((adding(constraint), made),), after=after)
