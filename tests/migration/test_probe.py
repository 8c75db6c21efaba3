"""Tests of flows.migration.probe: what a smoke test may say, and how it is judged."""

import datetime
import math

import pytest
from pydantic import ValidationError

from flows.migration.probe import Answer, Probe, ProbeResult, Smoke, Verdict, judge

PASS, FAIL, OPEN = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE


def results(**verdicts: Verdict) -> list[ProbeResult]:
    return [ProbeResult(name=name, verdict=v) for name, v in verdicts.items()]


@pytest.mark.parametrize(
    ("now", "before", "verdict"),
    [
        (PASS, PASS, PASS),
        (PASS, FAIL, PASS),
        (PASS, OPEN, PASS),
        (FAIL, PASS, FAIL),
        (FAIL, FAIL, OPEN),
        (FAIL, OPEN, OPEN),
        (OPEN, PASS, OPEN),
        (OPEN, FAIL, OPEN),
        (OPEN, OPEN, OPEN),
    ],
)
@pytest.mark.parametrize("is_up", [True, False])
def test_judge_holds_a_probe_against_its_baseline(now, before, verdict, is_up):
    others = results(health=PASS) if is_up else []
    assert judge([*results(p=now), *others], [*results(p=before), *others]) is verdict


@pytest.mark.parametrize(
    ("now", "health", "verdict"),
    [
        (PASS, PASS, PASS),
        (PASS, OPEN, OPEN),
        (FAIL, PASS, FAIL),
        (FAIL, OPEN, OPEN),
        (OPEN, PASS, OPEN),
        (OPEN, OPEN, OPEN),
    ],
)
@pytest.mark.parametrize("health_before", [PASS, FAIL, OPEN])
def test_judge_needs_an_application_that_is_up(now, health, verdict, health_before):
    baseline = results(health=health_before)
    assert judge(results(new=now, health=health), baseline) is verdict


def test_judge_without_baseline_passes_when_all_pass():
    assert judge(results(new=PASS), []) is PASS


def test_judge_without_baseline_cannot_fail():
    assert judge(results(new=FAIL, other=PASS), []) is OPEN


def test_judge_is_open_when_new_call_fails_and_others_failed_before():
    assert judge(results(new=FAIL, me=FAIL), results(me=FAIL)) is OPEN


def test_judge_is_open_when_nothing_answers():
    everything = results(health=OPEN, me=OPEN, new=OPEN)
    assert judge(everything, results(health=PASS, me=PASS)) is OPEN


def test_judge_fails_on_one_bad_probe_among_open_ones():
    now = results(health=OPEN, me=FAIL, new=OPEN)
    assert judge(now, results(health=PASS, me=PASS)) is FAIL


def test_smoke_refuses_two_probes_of_one_name():
    with pytest.raises(ValidationError, match="a name of its own"):
        Smoke(probes=(Probe(name="p", path="/a"), Probe(name="p", path="/b")))


@pytest.mark.parametrize("path", ["", "health", "/a b", "/a\n", "http://other/"])
def test_probe_refuses_path_that_is_none(path):
    with pytest.raises(ValidationError, match="path"):
        Probe(name="p", path=path)


@pytest.mark.parametrize("value", ["a\n", "a\r\nB: c", " a", "a ", "ä", "\x00"])
def test_probe_refuses_header_that_http_does_not_allow(value):
    with pytest.raises(ValidationError, match="headers"):
        Probe(name="p", path="/", headers={"Authorization": value})


def test_probe_refuses_header_name_that_http_does_not_allow():
    with pytest.raises(ValidationError, match="headers"):
        Probe(name="p", path="/", headers={"Bad Name": "x"})


@pytest.mark.parametrize("value", [datetime.date(2024, 1, 1), math.nan, math.inf])
def test_probe_refuses_what_json_cannot_say(value):
    with pytest.raises(ValidationError, match="json"):
        Probe.model_validate({"name": "p", "path": "/", "json": {"k": value}})
    with pytest.raises(ValidationError, match="json"):
        Answer.model_validate({"json": {"k": value}})
