"""A campaign's parts, put together."""

from collections import Counter

from tests.faults.campaign import Campaign, Line, joined
from tests.faults.verdict import Verdict


def campaign(*lines: tuple[str, str, Verdict]) -> Campaign:
    return Campaign(
        seed=1,
        flown_on="2026-11-27",
        lines=[
            Line(experiment=number, title="", version=version, verdicts=Counter([seen]))
            for number, version, seen in lines
        ],
    )


def test_parts_of_several_versions_are_one_campaign_in_order() -> None:
    one = joined(
        [
            campaign(("F02", "18.6", Verdict.SURVIVED)),
            campaign(
                ("F02", "15.18", Verdict.SURVIVED), ("F01", "15.18", Verdict.LOST)
            ),
        ]
    )
    assert [(line.experiment, line.version) for line in one.lines] == [
        ("F01", "15.18"),
        ("F02", "15.18"),
        ("F02", "18.6"),
    ]
    assert one.total(Verdict.LOST) == 1


def test_what_was_flown_again_takes_the_place_of_what_it_was_before() -> None:
    again = joined(
        [
            campaign(("F12", "18.6", Verdict.LOST)),
            campaign(("F12", "18.6", Verdict.SURVIVED)),
        ]
    )
    assert again.rounds == 1
    assert again.is_good
