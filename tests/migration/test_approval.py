"""What an approval needs, and what it is good for."""

from dataclasses import replace

import pytest
from pydantic import ValidationError

from flows.migration.approval import Answer, form_of, subject_of, target_of
from flows.migration.errors import Declined
from flows.migration.flight import Flight

GIVEN = {"decision": "approve", "approver": "Ann"}


def test_approval_names_who_and_when(flight: Flight) -> None:
    answer = Answer.model_validate(GIVEN | {"target": target_of(flight)})
    assert answer.settle(flight).startswith("Approved by Ann on 20")


def test_declined_with_who_and_why(flight: Flight) -> None:
    given = {"decision": "decline", "reason": "not today", "target": target_of(flight)}
    with pytest.raises(Declined, match=r"Declined by Ann on .*: not today"):
        Answer.model_validate(GIVEN | given).settle(flight)


def test_another_target_approves_nothing(flight: Flight) -> None:
    answer = Answer.model_validate(GIVEN | {"target": "another"})
    with pytest.raises(Declined, match="names 'another'"):
        answer.settle(flight)


@pytest.mark.parametrize("missing", ["decision", "approver", "target"])
def test_nothing_is_approved_by_default(flight: Flight, missing: str) -> None:
    given = GIVEN | {"target": target_of(flight)}
    del given[missing]
    with pytest.raises(ValidationError):
        form_of(flight).model_validate(given)


def test_form_takes_only_the_very_name(flight: Flight) -> None:
    odd = replace(flight.identity, database="shop.prod(1)")
    named = replace(flight, identity=odd)
    form = form_of(named)
    assert form.model_validate(GIVEN | {"target": " shop.prod(1) "})
    with pytest.raises(ValidationError):
        form.model_validate(GIVEN | {"target": "shopXprod(1)"})


def test_named_target_is_typed_by_its_name(flight: Flight) -> None:
    named = replace(flight, target=replace(flight.target, name="prod"))
    assert target_of(named) == "prod"


def test_other_database_strategy_or_budget_is_asked_for_anew(flight: Flight) -> None:
    identity = replace(flight.identity, system_identifier="1")
    choice = replace(flight.choice, strategy="online")
    others = (
        replace(flight, identity=identity),
        replace(flight, choice=choice),
        replace(flight, budget_ms=flight.budget_ms + 1),
    )
    subjects = {subject_of(one) for one in (flight, *others)}
    assert len(subjects) == 4


@pytest.mark.parametrize("file", ["up", "down", "verify"])
def test_changed_file_is_asked_for_anew(flight: Flight, file: str) -> None:
    script = replace(getattr(flight.migration, file), checksum="another")
    changed = replace(flight.migration, **{file: script})
    assert subject_of(replace(flight, migration=changed)) != subject_of(flight)


def test_changed_promise_is_asked_for_anew(flight: Flight) -> None:
    manifest = flight.migration.manifest.model_copy(update={"title": "another"})
    changed = replace(flight.migration, manifest=manifest)
    assert subject_of(replace(flight, migration=changed)) != subject_of(flight)
