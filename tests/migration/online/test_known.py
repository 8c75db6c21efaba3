"""What is the script's own."""

from flows.migration.online.known import Claim, Known
from flows.migration.online.steps import Made, OnlineStep


def known(**names: bool) -> Known:
    """Things by name, and whether each must be new."""
    made = [
        Made(name.replace("__", "."), "", "", must_be_new)
        for name, must_be_new in names.items()
    ]
    found = Known()
    step = OnlineStep(kind="brief", where="", summary="", statements=(), makes=(*made,))
    found.add([step])
    return found


def test_claim_of_what_was_made() -> None:
    assert known(t=True).claim(["t", "t.c"]) == Claim(True, ())


def test_claim_counts_on_what_may_have_been_there() -> None:
    assert known(t=False).claim(["t.c", "t.d"]) == Claim(True, ("t",))


def test_claim_of_something_else_cannot_be_undone() -> None:
    assert not known(t=True).claim(["t", "tt.c"]).is_undoable


def test_claim_of_nothing_cannot_be_undone() -> None:
    assert not known(t=True).claim([]).is_undoable


def test_claims_add_up() -> None:
    assert Claim(True, ("a",)) & Claim(False, ("b", "a")) == Claim(False, ("a", "b"))


def test_what_may_have_been_there_is_not_new() -> None:
    assert (known(t=True).is_new("t"), known(t=False).is_new("t")) == (True, False)


def test_forgotten_table_takes_its_parts_along() -> None:
    found = known(s__t=True, s__t__c=True, s__tt=True)
    found.forget(["s.t"])
    assert [found.is_new(name) for name in ("s.t", "s.t.c", "s.tt")] == [
        *(False, False, True)
    ]


def test_clash_is_of_two_that_must_be_new() -> None:
    made = Made("t", "", "", must_be_new=True)
    assert known(t=True).clashing([made]) == "t"
    assert known().clashing([made, made]) == "t"
    assert known(t=False).clashing([made]) is None


def test_things_that_may_be_there_do_not_clash() -> None:
    made = Made("t", "", "", must_be_new=False)
    assert known(t=True).clashing([made, made]) is None


def test_what_was_new_stays_so() -> None:
    found = known(t=True)
    made = Made("t", "", "", must_be_new=False)
    found.add(
        [OnlineStep(kind="brief", where="", summary="", statements=(), makes=(made,))]
    )
    assert found.is_new("t")
