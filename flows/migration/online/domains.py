"""A column of a domain: PostgreSQL writes it into every row, with a default or not.

Which type is a domain, only the server knows, so the step itself asks it.
"""

from postgast import pg_query_pb2 as pb

from flows.migration.names import is_builtin, qualified
from flows.migration.online.known import Known
from flows.migration.online.refused import Refused
from flows.migration.online.rerun import guarded
from flows.migration.online.steps import Made
from flows.migration.online.trees import filled

_REASON = (
    "a column of a domain rewrites the table under a lock against reads and writes"
)
_HELP = "Use the type below the domain, and write its CHECK as an ADD CONSTRAINT."
_IS_DOMAIN = (
    "SELECT EXISTS (SELECT FROM pg_catalog.pg_type WHERE typtype = 'd'"
    " AND oid = pg_catalog.to_regtype(':name'))"
)
_RAISE = " ".join(("RAISE EXCEPTION", f"'{_REASON}'", "USING HINT =", f"'{_HELP}'"))


def domain_refused(
    known: Known, type_name: pb.TypeName, column: Made
) -> tuple[str, ...]:
    """A statement that fails where the type is a domain; none where it cannot be.

    Raises:
        Refused: it is a domain that the script makes.
    """
    name = qualified(type_name.names)
    if is_builtin(type_name) or type_name.array_bounds:
        return ()
    if name in known.domains:
        raise Refused(_REASON, _HELP)
    is_domain = filled(_IS_DOMAIN, name=name)
    condition = " ".join(("(", is_domain, ") AND NOT (", column.exists, ")"))
    return (guarded(condition, _RAISE),)
