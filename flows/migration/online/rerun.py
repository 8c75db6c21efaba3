"""Statements made fit to run twice, by IF [NOT] EXISTS, OR REPLACE or a guard."""

from collections.abc import Sequence

from flows.migration.locks import locks_of
from flows.migration.online.known import Claim
from flows.migration.online.steps import Made, OnlineStep
from flows.migration.online.trees import copied, parsed, sql_of
from flows.migration.script import Statement

_NOTHING_BEFORE = Claim()
_FLAGS = ("if_not_exists", "missing_ok", "replace", "skip_if_new_val_exists")


def repeatable(statement: Statement) -> str:
    """The statement with the clause of its kind that lets it run twice.

    Its own text where it has that clause, or its kind needs none.
    """
    node = copied(statement.node)
    fields = {field.name for field in node.DESCRIPTOR.fields}
    for flag in fields.intersection(_FLAGS):
        setattr(node, flag, True)
    return statement.text if node == statement.node else sql_of(node)


def unless(made: Made, statement: str) -> str:
    """A DO block that runs a statement where the thing does not exist yet."""
    return guarded(" ".join(("NOT", "(", made.exists, ")")), statement)


def guarded(condition: str, statement: str) -> str:
    """A DO block that runs a statement where a condition holds."""
    block = parsed("DO ''")
    # On lines of their own: a statement's text may end with a comment.
    body = ("BEGIN IF", condition, "THEN", statement, "; END IF; END")
    block.args[0].def_elem.arg.string.sval = "\n".join(body)
    return sql_of(block)


def brief(
    statement: Statement,
    texts: Sequence[str],
    makes: Sequence[Made] = (),
    claim: Claim = _NOTHING_BEFORE,
) -> OnlineStep:
    """A short step with the locks that the statement takes as it is written."""
    return OnlineStep(
        kind="brief",
        where=statement.where,
        summary=statement.summary,
        statements=tuple(texts),
        locks=locks_of(statement),
        makes=tuple(makes),
        is_undoable=claim.is_undoable,
        owns=claim.owns,
    )
