"""ADD COLUMN where that writes no row: no default, or one that is computed once."""

from collections.abc import Sequence

from postgast import pg_query_pb2 as pb

from flows.migration.names import relation
from flows.migration.online.constraints import add_constraint
from flows.migration.online.domains import domain_refused
from flows.migration.online.made import made_column
from flows.migration.online.part import Part, Place
from flows.migration.online.refused import Refused
from flows.migration.online.trees import copied
from flows.migration.online.volatility import unknown_functions

_SERIAL = {"bigserial", "serial", "serial2", "serial4", "serial8", "smallserial"}
_ATTRIBUTES = {
    pb.CONSTR_ATTR_DEFERRABLE,
    pb.CONSTR_ATTR_NOT_DEFERRABLE,
    pb.CONSTR_ATTR_DEFERRED,
    pb.CONSTR_ATTR_IMMEDIATE,
    pb.CONSTR_ATTR_ENFORCED,
    pb.CONSTR_ATTR_NOT_ENFORCED,
}
_SEPARATE = {pb.CONSTR_CHECK, pb.CONSTR_PRIMARY, pb.CONSTR_UNIQUE}
_STEPWISE = (
    "Add the column without it, fill it by an UPDATE … WHERE it IS NULL, and set the"
    " default for new rows by ALTER COLUMN … SET DEFAULT."
)


def add_column(place: Place, command: pb.AlterTableCmd) -> Part:
    """ADD COLUMN with its constraints, those that scan rows in steps of their own.

    Raises:
        Refused: it would rewrite the table under a lock against reads and writes.
    """
    written = getattr(command, "def").column_def
    constraints = [item.constraint for item in written.constraints]
    is_old = not place.known.is_new(relation(place.table))
    if is_old:
        _refuse_rewriting(written, constraints)
    if written.colname in place.dropped:
        raise Refused(
            "run again after a crash, it would drop the new column with all that has"
            " been written to it since",
            "Write DROP COLUMN as a statement of its own.",
        )
    own = copied(command)
    own.missing_ok = True
    made = made_column(place.table, written.colname, not command.missing_ok)
    separate = [item for item in constraints if _is_separate(item, constraints)]
    if separate:
        _refuse_inseparable(command, constraints)
        definition = getattr(own, "def").column_def
        del definition.constraints[:]
        kept = (item for item in constraints if item not in separate)
        definition.constraints.extend(pb.Node(constraint=item) for item in kept)
    parts = [add_constraint(place, _of_table(item, written)) for item in separate]
    return Part(
        before=domain_refused(place.known, written.type_name, made) if is_old else (),
        now=(own,),
        guarded=tuple(pair for part in parts for pair in part.guarded),
        makes=(made,),
        after=tuple(step for part in parts for step in part.after),
    )


def _refuse_rewriting(
    column: pb.ColumnDef, constraints: Sequence[pb.Constraint]
) -> None:
    names = column.type_name.names
    if len(names) == 1 and names[0].string.sval in _SERIAL:
        raise Refused(f"{names[0].string.sval} rewrites the table", _STEPWISE)
    for constraint in constraints:
        if constraint.contype == pb.CONSTR_IDENTITY:
            raise Refused("an identity column rewrites the table", _STEPWISE)
        if constraint.generated_kind == "s":
            raise Refused("a stored generated column rewrites the table", _STEPWISE)
        unknown = unknown_functions(constraint.raw_expr)
        if constraint.contype == pb.CONSTR_DEFAULT and unknown:
            raise Refused(
                f"{unknown[0]}() may be volatile: as a default it rewrites the table",
                _STEPWISE,
            )


def _is_separate(
    constraint: pb.Constraint, constraints: Sequence[pb.Constraint]
) -> bool:
    """A foreign key on a column of NULLs is checked without looking at a row."""
    if constraint.contype == pb.CONSTR_FOREIGN:
        return any(item.contype == pb.CONSTR_DEFAULT for item in constraints)
    return constraint.contype in _SEPARATE


def _refuse_inseparable(
    command: pb.AlterTableCmd, constraints: Sequence[pb.Constraint]
) -> None:
    """Where the column exists, IF NOT EXISTS leaves out its constraints too."""
    has_attributes = any(item.contype in _ATTRIBUTES for item in constraints)
    if command.missing_ok or has_attributes:
        raise Refused(
            "a constraint within ADD COLUMN would be checked under a lock against"
            " reads and writes",
            "Write the constraint as an ADD CONSTRAINT of its own.",
        )


def _of_table(written: pb.Constraint, column: pb.ColumnDef) -> pb.Constraint:
    """The column's constraint as ADD CONSTRAINT has it."""
    constraint: pb.Constraint = copied(written)
    own = pb.Node(string=pb.String(sval=column.colname))
    if constraint.contype == pb.CONSTR_FOREIGN:
        constraint.fk_attrs.append(own)
    elif constraint.contype != pb.CONSTR_CHECK:
        constraint.keys.append(own)
    return constraint
