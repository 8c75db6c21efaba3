"""Judging whether the application may use what a migration has made.

A lack is a failed check where the application certainly needs the right: it had it
before, or has it on all that is beside the new thing, or cannot use without it what it
was granted. What may well be meant for another role is a warning, and what is in a
schema that it does not use is none of its business.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from flows.migration.check import Check
from flows.migration.names import identifier
from flows.migration.probe import Verdict
from flows.migration.rights import (
    BY_COLUMN,
    RelationRights,
    Rights,
    RoutineRights,
    SchemaRights,
)

_USUAL = {
    "table": "SELECT, INSERT, UPDATE, DELETE",
    "view": "SELECT",
    "sequence": "USAGE",
}
"""What an application needs most often of a new one."""


_IN_ORDER = (*BY_COLUMN, "DELETE", "TRUNCATE", "USAGE")


@dataclass(frozen=True)
class Told:
    """What the migration's own text says of who may use what.

    Attributes:
        revoked: tables, sequences and schemas that up.sql revokes something of from
            the role itself.
        not_for_it: oids of the functions that it revokes so, and of those whose
            `execute` in migration.toml leaves the role out.
    """

    revoked: frozenset[str] = frozenset()
    not_for_it: Collection[object] = frozenset()


@dataclass
class _Lack:
    """Problems with one object, and the grants that end them."""

    said: list[str] = field(default_factory=list)
    grants: list[str] = field(default_factory=list)

    def add(self, said: str, grant: str) -> None:
        self.said.append(said)
        self.grants.append(grant)


@dataclass(frozen=True)
class Judge:
    """Holds what the role may do now against what it could do before.

    Attributes:
        made: pairs of table and column that up.sql makes, once the COMMIT is past. Then
            only what the migration makes counts: what it merely names may have been
            changed since by others, who know why.
    """

    before: Rights
    now: Rights
    told: Told
    made: frozenset[tuple[str, str]] | None = None

    def checks(self) -> list[Check]:
        """One for each object that is new, or that the role could use before."""
        return [
            *(check for one in self.now.relations for check in self._relation(one)),
            *(check for one in self.now.routines for check in self._routine(one)),
            *(check for one in self.now.schemas for check in self._schema(one)),
        ]

    @property
    def _role(self) -> str:
        return identifier(self.now.role)

    def _relation(self, now: RelationRights) -> Iterator[Check]:
        if now.is_partition or self.told.revoked.intersection(
            (now.name, now.schema_name)
        ):
            return
        before = _same_relation(self.before, now)
        if before is None:
            yield from self._new_relation(now)
        elif before.is_usable and before.may_enter:
            yield from self._kept_relation(before, now)

    def _kept_relation(
        self, before: RelationRights, now: RelationRights
    ) -> Iterator[Check]:
        if self.made is not None and before.oid == now.oid:
            now = _with_columns(now, before, self.made)
            before = _as_it_is(before, now)
        new = [name for name in now.columns if name not in before.columns]
        lack = _Lack()
        if new or before.oid != now.oid or self.made is None:
            self._judge_kept(before, now, lack)
            self._judge_entrance(now, lack)
            self._judge_defaults(before.closed_sequences, now, lack)
        hidden = [name for name in new if _is_hidden(name, before, now)]
        if hidden and not lack.said:
            grant = f"SELECT ({_listed(hidden)}) ON {now.name} TO {self._role}"
            said = f"reads this table column by column, and not {_listed(hidden)}"
            yield self._warning(now.name, said, f"GRANT {grant}")
        elif new or lack.said or before.oid != now.oid:
            yield self._check(now.name, lack, _seen(before, now))

    def _new_relation(self, now: RelationRights) -> Iterator[Check]:
        if now.is_usable:
            lack = _Lack()
            self._judge_entrance(now, lack)
            self._judge_defaults((), now, lack)
            yield self._check(now.name, lack, f"may {', '.join(_rights_on(now))}")
        elif now.may_enter:
            what = f"{_of_kind(now)}{now.name}"
            yield self._warning(
                now.name,
                f"may do nothing with the new {now.kind}",
                f"GRANT {_USUAL[now.kind]} ON {what} TO {self._role}",
            )

    def _judge_kept(
        self, before: RelationRights, now: RelationRights, lack: _Lack
    ) -> None:
        """What it could do before, and what it can do with all the other columns."""
        lacking = {right: _lacking(right, before, now) for right in BY_COLUMN}
        listed = [
            right if len(names) == len(now.columns) else f"{right} ({_listed(names)})"
            for right, names in lacking.items()
            if names
        ]
        by_column = BY_COLUMN if now.columns else ()
        listed += [
            right for right in before.whole if right not in (*now.whole, *by_column)
        ]
        if listed:
            rights = ", ".join(listed)
            lack.add(
                f"may not {rights}, as it could before or can on all other columns",
                f"GRANT {rights} ON {_of_kind(now)}{now.name} TO {self._role}",
            )

    def _judge_defaults(
        self, before: Collection[str], now: RelationRights, lack: _Lack
    ) -> None:
        for name in now.closed_sequences:
            if name not in before:
                lack.add(
                    f"may INSERT, and not use the sequence of a default, {name}",
                    f"GRANT USAGE ON SEQUENCE {name} TO {self._role}",
                )

    def _judge_entrance(self, now: RelationRights | RoutineRights, lack: _Lack) -> None:
        """A right on something in a schema that it may not use is worth nothing."""
        if not now.may_enter:
            lack.add(
                f"may not use its schema {now.schema_name}",
                f"GRANT USAGE ON SCHEMA {now.schema_name} TO {self._role}",
            )

    def _routine(self, now: RoutineRights) -> Iterator[Check]:
        before = _same_routine(self.before, now)
        had_it = _could_execute(before) if before else self._could_its_namesake(now)
        is_its_own = had_it or now.is_granted
        is_new = before is None and now.may_enter and not now.is_trigger
        if self.made is not None and not now.is_made:
            return
        is_told = now.oid in self.told.not_for_it
        if is_told or not (is_its_own or is_new):
            return
        lack = _Lack()
        grant = f"GRANT EXECUTE ON {now.kind} {now.signature} TO {self._role}"
        if now.may_execute or had_it:
            self._judge_entrance(now, lack)
            if not now.may_execute:
                lack.add("may not EXECUTE it any more", grant)
            yield self._check(now.signature, lack, "may EXECUTE it")
        elif now.is_for_others:
            yield self._warning(now.signature, "may not EXECUTE it, others may", grant)
        else:
            lack.add(
                "may not EXECUTE it, nor may anybody but its owner",
                f"{grant} (or, where only other functions call it, in migration.toml:"
                f' [[functions]] signature = "{now.signature}", execute = [])',
            )
            yield self._check(now.signature, lack, "")

    def _could_its_namesake(self, now: RoutineRights) -> bool:
        """Whether it could execute one of that name, with other types, that is gone."""
        left = {one.signature for one in self.now.routines}
        return any(
            _could_execute(one)
            and one.bare_name == now.bare_name
            and one.signature not in left
            for one in self.before.routines
        )

    def _schema(self, now: SchemaRights) -> Iterator[Check]:
        grant = f"GRANT USAGE ON SCHEMA {now.name} TO {self._role}"
        lack = _Lack()
        if now.name in self.told.revoked:
            return
        if now.may_enter:
            yield self._check(now.name, lack, "may use it")
        elif any(one.may_enter for one in self.before.schemas if one.name == now.name):
            lack.add("may not use it any more", grant)
            yield self._check(now.name, lack, "")
        elif now.name not in self._schemas_of_its_own():
            yield self._warning(now.name, "may use nothing in the new schema", grant)

    def _schemas_of_its_own(self) -> set[str]:
        """What it was granted there fails for want of the schema, and says so."""
        usable = {one.schema_name for one in self.now.relations if one.is_usable}
        return usable | {o.schema_name for o in self.now.routines if o.is_granted}

    def _check(self, subject: str, lack: _Lack, seen: str) -> Check:
        said = f"{'; '.join(lack.said)}. Into up.sql: {'; '.join(lack.grants)}"
        return Check(
            kind="privilege",
            subject=subject,
            verdict=Verdict.FAIL if lack.said else Verdict.PASS,
            detail=f"{self._role} {said if lack.said else seen}",
        )

    def _warning(self, subject: str, said: str, grant: str) -> Check:
        return Check(
            kind="privilege",
            subject=subject,
            detail=f"{self._role} {said}. If it is to: {grant}",
            is_warning=True,
        )


def _same_relation(before: Rights, now: RelationRights) -> RelationRights | None:
    """By its name, which a new one may have taken over, or as it was called before."""
    found = [one for one in before.relations if one.name == now.name]
    found += [one for one in before.relations if one.oid == now.oid]
    return found[0] if found else None


def _same_routine(before: Rights, now: RoutineRights) -> RoutineRights | None:
    found = [one for one in before.routines if one.signature == now.signature]
    found += [one for one in before.routines if one.oid == now.oid]
    return found[0] if found else None


def _could_execute(before: RoutineRights) -> bool:
    return before.may_execute and before.may_enter


def _lacking(right: str, before: RelationRights, now: RelationRights) -> list[str]:
    """Columns that it lacks a right on, and had it, or has it on all others."""
    had = [right in rights for rights in before.columns.values()]
    has_all = bool(had) and all(had)
    return [
        name
        for name, rights in now.columns.items()
        if right not in rights and right in before.columns.get(name, (right,) * has_all)
    ]


def _is_hidden(name: str, before: RelationRights, now: RelationRights) -> bool:
    """Whether it may not read this column, of a table that it reads others of."""
    reads = any("SELECT" in rights for rights in before.columns.values())
    return reads and "SELECT" not in now.columns[name]


def _with_columns(
    now: RelationRights, before: RelationRights, made: Collection[tuple[str, str]]
) -> RelationRights:
    """Without those that came later, by another migration."""
    columns = {
        name: rights
        for name, rights in now.columns.items()
        if name in before.columns or (now.name, name) in made
    }
    return now.model_copy(update={"columns": columns})


def _as_it_is(before: RelationRights, now: RelationRights) -> RelationRights:
    """What was there before, with the rights that it has now."""
    columns = {
        name: rights for name, rights in now.columns.items() if name in before.columns
    }
    return before.model_copy(update={"columns": columns, "whole": now.whole})


def _seen(before: RelationRights, now: RelationRights) -> str:
    """What it may do with what is new; all that it may do where nothing is."""
    new = {
        name: now.columns[name] for name in now.columns if name not in before.columns
    }
    rights = {right for held in new.values() for right in held}
    if not new or not rights:
        return f"may {', '.join(_rights_on(now)) or 'do nothing here'}"
    may = [right for right in BY_COLUMN if right in rights]
    return f"may {', '.join(may)} {_listed(new)}"


def _rights_on(now: RelationRights) -> list[str]:
    by_column = {right for held in now.columns.values() for right in held}
    held = by_column | set(now.whole)
    return [right for right in _IN_ORDER if right in held]


def _of_kind(now: RelationRights) -> str:
    return "SEQUENCE " if now.kind == "sequence" else ""


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(identifier, names))
