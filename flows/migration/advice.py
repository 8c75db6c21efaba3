"""What an outcome means, and what is left to do: the same words wherever it is told."""

from dataclasses import dataclass

from flows.migration.command import command
from flows.migration.outcome import Outcome
from flows.migration.report import CANCELLED, Report

DISK_FULL = "SQLSTATE 53100"
"""As it stands in an error; see PostgreSQL's Appendix A, Error Codes."""

_MEANINGS = {
    Outcome.DEPLOYED: "committed, verified, smoke-tested and accepted",
    Outcome.NOTHING_TO_DO: "it was in place already, and is as promised",
    Outcome.RESTORED: "all that was saved is put back",
    Outcome.BLOCKED: "nothing was written",
    Outcome.ROLLED_BACK: "the database is as it was before",
    Outcome.ROLLBACK_FAILED: "the migration is bad and still in place: act now",
    Outcome.NEEDS_DECISION: "left as it is: a person decides",
    Outcome.UNKNOWN: "nobody can say yet what became of the COMMIT",
}
_BY_ACTION = {
    ("recover", Outcome.NOTHING_TO_DO): "nothing was left unfinished",
    (
        "restore",
        Outcome.NOTHING_TO_DO,
    ): "nothing is saved that is not put back already",
    (
        "restore",
        Outcome.NEEDS_DECISION,
    ): "what could not be put back stays saved: a person decides",
    ("rollback", Outcome.BLOCKED): "nothing was changed",
    ("verify", Outcome.BLOCKED): "it could not be checked; nothing was changed",
    (
        "verify",
        Outcome.NEEDS_DECISION,
    ): "it is in place and not as promised: a person decides",
}


@dataclass(frozen=True)
class Advice:
    """One thing that is left to do.

    Attributes:
        command: what to type; empty where there is nothing to type.
    """

    what: str
    command: str = ""

    def __str__(self) -> str:
        return f"{self.command}  ({self.what})" if self.command else self.what


def meaning(report: Report) -> str:
    """What the report's outcome means, in half a sentence."""
    assert report.outcome is not None
    by_outcome = _MEANINGS[report.outcome]
    return _BY_ACTION.get((report.action, report.outcome), by_outcome)


def left_to_do(report: Report) -> list[Advice]:
    """What a person is to do now, in this order; nothing after a success.

    Of NEEDS_DECISION the choices.
    """
    if report.action == "recover" or report.parts:
        return _of_all(report)
    assert report.outcome is not None
    if not report.is_success:
        return _advise(report, report.outcome)
    if any(restored.conflicts for restored in report.restored):
        return [_restore(report), *_warned(report)]
    found = [Advice("see what was found all the same")] if report.errors else []
    return [*found, *_warned(report)]


def _warned(report: Report) -> list[Advice]:
    """Checks that have passed and say what a person should know."""
    return [Advice(check.sentence) for check in report.checks if check.is_warning]


def _advise(report: Report, outcome: Outcome) -> list[Advice]:
    again = _command(report, report.action)
    take_back = Advice(
        "take it back; what that deletes is saved first", _command(report, "rollback")
    )
    match outcome:
        case Outcome.UNKNOWN:
            return [
                Advice(
                    "once the database answers: it settles what became of the COMMIT;"
                    " until then run nothing by hand",
                    _command(report, "recover"),
                )
            ]
        case Outcome.NEEDS_DECISION if report.action == "restore":
            return [_restore(report)]
        case Outcome.NEEDS_DECISION if report.action == "verify":
            keep = Advice("keep it: repair what is wrong, then check again", again)
            return [keep, Advice(f"or {take_back.what}", take_back.command)]
        case Outcome.NEEDS_DECISION:
            keep = Advice(
                "keep it: repair what is wrong; what is in place is verified and tested"
                " again, and accepted when it is good",
                _command(report, "deploy"),
            )
            return [keep, Advice(f"or {take_back.what}", take_back.command)]
        case Outcome.ROLLBACK_FAILED:
            repaired = "repair what stopped the rollback, then take it back"
            return [
                Advice("see what is in place", _command(report, "status")),
                Advice(repaired, take_back.command),
            ]
        case _ if CANCELLED in report.errors:
            return [Advice("if it is still wanted", again)]
        case _ if any(DISK_FULL in error for error in report.errors):
            return [Advice(_room(report), again)]
        case _:
            return [Advice("correct what is wrong, then try again", again)]


def _room(report: Report) -> str:
    sizes = [found.message for found in report.findings if found.rule == "size"]
    return (
        "make room on the server's disk, then try again: a change of every row writes"
        " a table anew, and as much log beside it, before anything is given back"
        f" ({'; '.join(sizes) or 'its size is not known'})"
    )


def _restore(report: Report) -> Advice:
    return Advice(
        "once the reason is gone: it puts back what is still saved",
        _command(report, "restore"),
    )


def _of_all(report: Report) -> list[Advice]:
    """Of several migrations: what is left of each."""
    name = {"target_name": report.target_name}
    parts = [part.model_copy(update=name) for part in report.parts]
    found = [advice for part in parts for advice in left_to_do(part)]
    if report.is_success:
        return found
    is_named = report.outcome is Outcome.NEEDS_DECISION and report.errors
    # A recovery only names what waits; of what was verified each has its own words.
    if is_named and not report.verified:
        return [*found, Advice("decide on each that is named as the reason")]
    if not found:
        again = _command(report, report.action)
        found = [Advice("correct what is wrong, then try again", again)]
    return found


def _command(report: Report, name: str) -> str:
    version = "" if name in ("recover", "status") else report.version
    return command(name, version, report.target_name)
