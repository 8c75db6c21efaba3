"""What is said of the users' values, where all times are known."""

from collections.abc import Mapping
from uuid import UUID

from tests.database.online.chronicle import Chronicle, Event, Moment, faults

USER, A, B = UUID(int=1), UUID(int=2), UUID(int=3)
DEPLOY = (10.0, 20.0)
LAST_LOOK = 15.0


def found(
    value: UUID | None, *events: Event, members: tuple[UUID, ...] = (A,)
) -> list[str]:
    chronicle = Chronicle([(USER, org) for org in members], list(events))
    values: Mapping[UUID, UUID | None] = {USER: value}
    return list(faults(chronicle, values, DEPLOY, LAST_LOOK))


def at(began: float) -> Moment:
    return Moment(began, began + 1)


def test_member_throughout_must_have_one():
    assert found(A) == []
    assert "has none" in found(None)[0]


def test_value_must_be_of_an_organization_joined():
    assert "never in it" in found(B)[0]
    assert found(B, Event("join", at(12), USER, B)) == []
    assert "never in it" in found(B, Event("join", at(21), USER, B))[0]


def test_value_left_during_the_deploy_may_stay():
    assert found(A, Event("leave", at(12), USER, A)) == []
    assert "never in it" in found(A, Event("leave", at(8), USER, A))[0]


def test_value_must_not_be_gone():
    assert "is gone" in found(A, Event("org gone", at(12), org=A))[0]


def test_member_of_another_one_still_must_have_one():
    gone = Event("org gone", at(12), org=A)
    assert "has none" in found(None, gone, members=(A, B))[0]
    assert found(B, gone, members=(A, B)) == []


def test_organization_deleted_after_the_last_look_excuses():
    gone = Event("org gone", at(14.5), org=A)
    assert found(None, gone, members=(A, B)) == []


def test_gap_excuses():
    left = Event("leave", at(16), USER, A)
    assert found(None, left, Event("join", at(17), USER, B)) == []


def test_move_is_no_gap():
    assert "has none" in found(None, Event("move", at(16), USER, B, A))[0]


def test_newcomer_before_the_last_look_must_have_one():
    assert "has none" in found(None, Event("join", at(13), USER, A), members=())[0]
    assert found(None, Event("join", at(14.5), USER, A), members=()) == []
