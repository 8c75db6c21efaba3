"""A campaign's parts, put together."""

from collections import Counter
from pathlib import Path

from tests.faults.campaign import Campaign, Line, joined
from tests.faults.page import MARK, write_page
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


def test_page_says_no_stall_where_nobody_could_wait(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "faults.md").write_text(MARK)
    (tmp_path / "README.md").touch()
    flown = campaign(*[(name, "18.6", Verdict.SURVIVED) for name in ("F01", "F05")])
    flown.lines[0].longest_stall_s = 0.55
    write_page(flown, docs)
    rows = (docs / "faults.md").read_text().splitlines()
    stalls = [row.split(" | ")[-1] for row in rows if row.startswith("| F")]
    assert stalls == ["0.55 s |", "\N{EN DASH} |"]
