"""Tests of flows.migration.answer: what counts as the right answer."""

import json
from typing import Any

import pytest

from flows.migration.answer import Reply, difference, is_same, shown, stale_plan
from flows.migration.probe import Answer

SECRET = "s3cr3t-from-the-server"
ORG = "0b0e4ad8-6d1f-4f6c-9c1a-3f6f5b1f0a11"


def reply(body: Any, **changes: Any) -> Reply:
    values: dict[str, Any] = {"status": 200, "content_type": "application/json"}
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(body=raw, **(values | changes))


def json_difference(expected: dict[str, Any], body: Any) -> str:
    return difference(reply(body), Answer(json=expected))


@pytest.mark.parametrize(
    ("expected", "body"),
    [
        ({}, {"a": 1}),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}),
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 2, "c": 3}]}),
        ({"a": None}, {"a": None}),
        ({"a": 1}, {"a": 1.0}),
        ({"a": ORG.upper()}, {"a": ORG}),
    ],
)
def test_expected_values_are_contained(expected, body):
    assert json_difference(expected, body) == ""


@pytest.mark.parametrize(
    ("expected", "body", "said"),
    [
        ({"a": 1}, {}, "JSON key a is missing"),
        ({"a": None}, {}, "JSON key a is missing"),
        ({"a": 1}, {"a": 2}, "JSON key a is not as expected"),
        ({"a": 1}, {"a": True}, "JSON key a is not as expected"),
        ({"a": True}, {"a": 1}, "JSON key a is not as expected"),
        ({"a": 1}, {"a": "1"}, "JSON key a is not as expected"),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, "JSON key a.b is not as expected"),
        ({"a": {"b": 1}}, {"a": [1]}, "JSON key a is not as expected"),
        ({"a": [1, 2]}, {"a": [1]}, "JSON key a has 1 items, not 2"),
        ({"a": [1, 2]}, {"a": [2, 1]}, "JSON key a[0] is not as expected"),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, "JSON key a[0].b is not as expected"),
        ({"a": 1}, ["a"], "the JSON is not an object"),
    ],
)
def test_difference_names_the_key(expected, body, said):
    assert json_difference(expected, body) == f"status 200, but {said}"


def test_difference_names_both_statuses():
    found = difference(reply({}, status=500, content_type="text/html"), Answer())
    assert found == "status 500 instead of 200 (HTML)"


def test_difference_says_that_a_redirect_was_not_followed():
    found = difference(reply(b"", status=302, content_type=""), Answer())
    assert "302 instead of 200, a redirect that was not followed" in found


def test_expected_redirect_is_right():
    assert difference(reply(b"", status=302), Answer(status=302)) == ""


def test_body_does_not_matter_when_no_json_is_expected():
    assert difference(reply(b"<html>", is_complete=False), Answer()) == ""


def test_content_type_does_not_matter():
    found = difference(reply({"a": 1}, content_type="text/html"), Answer(json={"a": 1}))
    assert found == ""


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff\xfe\xfa", b"[" * 100_000])
def test_body_that_is_no_json_is_wrong(body):
    found = difference(reply(body, content_type="text/html; a=b"), Answer(json={}))
    assert found == "status 200, but the body is not JSON (HTML)"


def test_body_that_was_cut_is_wrong():
    found = difference(reply({"a": 1}, is_complete=False), Answer(json={"a": 1}))
    assert "too large" in found


@pytest.mark.parametrize(
    "body", [SECRET.encode(), {"a": SECRET}, {SECRET: 1}, [SECRET]]
)
def test_difference_holds_nothing_received(body):
    received = reply(body, content_type=f"text/{SECRET}")
    assert SECRET not in difference(received, Answer(json={"a": 1}))
    assert SECRET not in difference(received, Answer(status=404))


def test_token_of_hexadecimal_digits_is_no_uuid():
    assert not is_same("ab" * 16, "AB" * 16)


@pytest.mark.parametrize(("value", "text"), [(ORG, ORG), ("42", "42"), (None, "NULL")])
def test_id_is_shown(value, text):
    assert shown(value) == text


@pytest.mark.parametrize("value", [SECRET, "ab" * 16, "1" * 20, ""])
def test_other_value_is_not_shown(value):
    assert shown(value) == "another value"


@pytest.mark.parametrize(
    "body",
    [
        b"ERROR: cached plan must not change result type",
        b'{"sqlstate": "0A000"}',
        b"<pre>psycopg.errors.FeatureNotSupported (0A000)</pre>",
    ],
)
def test_stale_plan_is_known_by_its_words(body: bytes) -> None:
    cure = stale_plan(reply(body + SECRET.encode(), status=500))
    assert "recycle its connection pools" in cure
    assert SECRET not in cure


@pytest.mark.parametrize("body", [b"", b"see the log", b"id 10A000f", b"0A0001"])
def test_other_failure_is_no_stale_plan(body: bytes) -> None:
    assert stale_plan(reply(body, status=500)) == ""
