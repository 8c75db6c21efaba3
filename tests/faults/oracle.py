"""The oracle: what must be true after every round, whatever was done to the pilot."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from difflib import ndiff
from typing import Any
from uuid import UUID

from flows.database.fingerprint import differences
from flows.migration.outcome import Outcome
from tests.faults.ground import Ground
from tests.faults.model import Cell, Model
from tests.faults.pilot import Action, Seen
from tests.faults.verdict import Breach, Verdict

SETTLE_S = 10.0
"""Time for the server to notice that a pilot is gone."""
SLOW_MACHINE_S = 15.0
HIGHEST_RUNG_S = 1.5

Position = str
"""before, after, or between: at a recorded step of the online strategy."""


@dataclass
class Judgement:
    """The oracle's word on one round.

    Attributes:
        stall_s: the longest wait of an application's statement.
        counts: what the experiment has counted.
        said: all that the pilots have said, for whoever looks into it.
    """

    breaches: list[Breach] = field(default_factory=list)
    stall_s: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    said: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> Verdict:
        """The worst thing that was found."""
        found = {breach.verdict for breach in self.breaches}
        for worst in (Verdict.LOST, Verdict.DOUBLED, Verdict.MISREPORTED):
            if worst in found:
                return worst
        return Verdict.SURVIVED


FlyAgain = Callable[[], Seen]


def judge(
    ground: Ground, seen: list[Seen], fly_again: FlyAgain, budget_s: float
) -> Judgement:
    """Assert I1 to I8, then fly once more and assert them again.

    Nobody else may be at work on the ground any more.

    Args:
        fly_again: brings the ground to where the round was to bring it.
        budget_s: the longest wait that the pilots were allowed to cause.
    """
    model, stall_s = ground.model, ground.model.longest_stall
    found = [*ground.found, *look(ground, seen)]
    again = fly_again()
    found += look(ground, [again])
    found += _converged(ground, again)
    limit_s = budget_s + HIGHEST_RUNG_S + SLOW_MACHINE_S
    if stall_s > limit_s:
        found.append(Breach("I8", f"somebody waited {stall_s:.1f} s"))
    found += [Breach("I8", f"somebody was told {told}") for told in model.errors]
    said = [line for one in [*seen, again] for line in one.said]
    return Judgement(list(dict.fromkeys(found)), stall_s, ground.counts, said)


def look(ground: Ground, seen: list[Seen]) -> list[Breach]:
    """Assert I1 to I7 as things are now; nobody is at work on the ground any more."""
    return list(_now(ground, seen))


def _now(ground: Ground, seen: list[Seen]) -> Iterator[Breach]:
    yield from _nothing_left(ground)
    position, detail = _position(ground)
    if position == "mixed":
        yield Breach("I1", detail)
    yield from _dump_agrees(ground, position)
    yield from _ledger_agrees(ground, position)
    for one in seen:
        yield from _told_the_truth(ground, one, position)
        yield from _kept_its_secrets(ground, one)
    yield from _nothing_lost(ground)
    yield from _nothing_doubled(ground)


def _position(ground: Ground) -> tuple[Position, str]:
    """I1: where the catalogue is."""
    now, field_ = ground.fingerprint(), ground.field
    if now == field_.before:
        return "before", ""
    if now == field_.after:
        return "after", ""
    unknown = now.keys() - field_.before.keys() - field_.after.keys()
    gone = field_.before.keys() - now.keys()
    if "applying" in _states(ground) and ground.ask("steps") and not unknown | gone:
        return "between", ""
    different = differences(field_.after, now)
    return "mixed", f"neither before nor after: {'; '.join(different[:5])}"


def _dump_agrees(ground: Ground, position: Position) -> Iterator[Breach]:
    """I1 again, without any code of the deployer's."""
    wanted = ground.field.schemas.get(position)
    if wanted is None:
        return
    now = ground.schema()
    if now != wanted:
        different = [line for line in ndiff(wanted, now) if line[0] in "+-"]
        yield Breach("I1", f"{position}, but pg_dump says {different[:5]}")


def _states(ground: Ground) -> list[str]:
    return [row[2] for row in _ledger(ground)]


def _ledger(ground: Ground) -> list[tuple[Any, ...]]:
    exists = "SELECT to_regclass('pgflight.run') IS NOT NULL"
    with ground.admin() as conn:
        row = conn.execute(exists).fetchone()
    return ground.ask("ledger") if row == (True,) else []


def _ledger_agrees(ground: Ground, position: Position) -> Iterator[Breach]:
    """I2: a row that says so if, and only if, the migration is in place."""
    open_ = [state for state in _states(ground) if state != "rolled_back"]
    if len(open_) > 1:
        yield Breach("I2", f"several runs in place: {open_}")
    says = {
        "before": [[], ["applying"]],
        "between": [["applying"]],
        "after": [["applying"], ["applied"], ["verified"], ["accepted"]],
    }.get(position)
    if says is not None and open_ not in says:
        yield Breach("I2", f"the schema is {position}, the ledger says {open_}")


def _told_the_truth(ground: Ground, seen: Seen, position: Position) -> Iterator[Breach]:
    """I3: what it reported is what the database holds."""
    if seen.outcome is None:
        if not seen.was_killed:
            yield Breach("I3", f"no report: {seen.said[-3:]}")
        return
    if seen.outcome is Outcome.UNKNOWN:
        if not seen.may_be_unknown:
            yield Breach("I3", f"UNKNOWN, but it could be known: {seen.errors}")
        return
    state = {str(row[0]): row[2] for row in _ledger(ground)}.get(seen.run_id)
    allowed = _ALLOWED[seen.action].get(seen.outcome, ())
    if (position, state) not in allowed:
        yield Breach(
            "I3",
            f"{seen.action} reported {seen.outcome}; the schema is {position}, its"
            f" run is {state or 'not in the ledger'} ({seen.errors})",
        )


_NOT_OURS: list[tuple[Position, str | None]] = [
    ("before", None),
    ("between", None),
    ("after", None),
]
_IN_PLACE = [("after", "applied"), ("after", "verified"), ("after", "accepted")]
_ALLOWED: dict[Action, dict[Outcome, list[tuple[Position, str | None]]]] = {
    "deploy": {
        # None: it went on with an earlier run, whose id stands in the ledger.
        Outcome.DEPLOYED: [("after", "accepted"), ("after", None)],
        Outcome.NOTHING_TO_DO: [("after", None)],
        Outcome.BLOCKED: _NOT_OURS,
        Outcome.ROLLED_BACK: [("before", None), ("before", "rolled_back")],
        Outcome.NEEDS_DECISION: [
            *_IN_PLACE[:2],
            *[(where, "applying") for where in ("before", "between", "after")],
            ("between", None),
            ("after", None),
        ],
        Outcome.ROLLBACK_FAILED: [*_IN_PLACE, ("between", "applying"), *_NOT_OURS[1:]],
    },
    "rollback": {
        Outcome.ROLLED_BACK: [("before", None)],
        Outcome.BLOCKED: _NOT_OURS,
        Outcome.ROLLBACK_FAILED: [("after", None), ("between", None)],
    },
    # Its own id is no run's: it goes on with those of others.
    "recover": {
        Outcome.NOTHING_TO_DO: [("before", None), ("after", None)],
        Outcome.DEPLOYED: [("after", None)],
        Outcome.ROLLED_BACK: [("before", None)],
        Outcome.BLOCKED: _NOT_OURS,
        Outcome.NEEDS_DECISION: _NOT_OURS,
        Outcome.ROLLBACK_FAILED: _NOT_OURS[1:],
    },
}


def _nothing_left(ground: Ground) -> Iterator[Breach]:
    """I4: no session, lock or advisory lock of ours, soon."""
    deadline = time.monotonic() + SETTLE_S
    while True:
        left = ground.ask("sessions") + ground.ask("locks")
        if not left:
            return
        if time.monotonic() > deadline:
            yield Breach("I4", f"still there after {SETTLE_S:g} s: {left}")
            return
        time.sleep(0.02)


def _nothing_lost(ground: Ground) -> Iterator[Breach]:
    """I5: every row and every value of a user's is there, or saved."""
    model = ground.model
    if ground.one("untouched") != model.untouched:
        yield Breach("I5", "rows of users, organizations or members were changed")
    logins = dict(ground.ask("logins"))
    for user, login in model.logins.items():
        if logins.get(user) not in login.possible:
            yield Breach("I5", f"last_login_at of {user} is {logins.get(user)}")
    came = {row[0] for row in ground.ask("newcomers")}
    missing = {email for email, sure in model.newcomers.items() if sure} - came
    if missing:
        yield Breach("I5", f"{len(missing)} users that came are gone")
    yield from _no_choice_lost(ground)


def _no_choice_lost(ground: Ground) -> Iterator[Breach]:
    attnum, model = ground.one("attnum"), ground.model
    old = [number for number in model.choices if number != attnum]
    now: dict[UUID, object] = dict(ground.ask("choices")) if attnum else {}
    saved: dict[UUID, set[object]] = {}
    for user, org in ground.ask("saved") if old else []:
        saved.setdefault(user, set()).add(org)
    for number, choices in model.choices.items():
        for user, choice in choices.items():
            found = {now.get(user)} if number == attnum else saved.get(user, set())
            if choice.possible and not found & _possible(model, user, choice):
                where = "was saved" if number in old else "is there"
                yield Breach("I5", f"{user} chose {choice.possible}; {found} {where}")


def _possible(model: Model, user: UUID, choice: Cell) -> set[object]:
    """While a first choice is in doubt, it may be what the backfill gave instead."""
    filled = {model.filled[user], None} if choice.is_doubtful else set()
    return choice.possible | filled


def _nothing_doubled(ground: Ground) -> Iterator[Breach]:
    """I6, what has been done: once only, by the ledger and by two witnesses."""
    runs = [row for row in _ledger(ground) if row[3] == "transactional"]
    transactions = ground.one("transactions")
    if transactions > len(runs):
        yield Breach(
            "I6", f"{transactions} transactions changed the schema; runs: {len(runs)}"
        )
    if ground.one("fills") > 1:
        yield Breach("I6", "a user was filled twice")
    overwritten = ground.ask("overwritten")
    saved = set(ground.ask("saved")) if overwritten else set()
    if set(overwritten) - saved:
        # But for what an earlier rollback has saved, and a deployment puts back.
        yield Breach("I6", "a value was written over by pgflight")
    columns, rows = ground.one("columns"), len(_ledger(ground))
    if columns > rows:
        yield Breach("I6", f"the column was added {columns} times; runs: {rows}")


def _kept_its_secrets(ground: Ground, seen: Seen) -> Iterator[Breach]:
    """I7: nothing that was said has a secret in it."""
    text = "\n".join(seen.said)
    for secret in ground.secrets:
        if secret in text:
            line = next(line for line in seen.said if secret in line)
            yield Breach("I7", f"said {line.replace(secret, '<the secret>')[:200]}")


def _converged(ground: Ground, again: Seen) -> Iterator[Breach]:
    """I6, what is to come: flying again leads where the first flight was to lead."""
    position, _ = _position(ground)
    wanted = "after" if again.action == "deploy" else "before"
    if position != wanted:
        yield Breach(
            "I6 converges",
            f"flying again ended {again.outcome}, {position}: {again.errors}",
        )
    if again.action == "deploy" and "accepted" not in _states(ground):
        yield Breach("I6 converges", f"the ledger says {_states(ground)}")
