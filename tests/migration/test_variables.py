"""Tests of flows.migration.variables: what is replaced, and what errors say."""

from typing import Any

import pytest
from pydantic import BaseModel

from flows.migration.errors import MigrationError, TargetError
from flows.migration.manifest import Manifest
from flows.migration.probe import Cell, Probe, Smoke
from flows.migration.variables import expand, key_path, missing_variables

SECRET = "tok-4f1d9b"


class Note(BaseModel):
    """Any strings, wherever."""

    text: Any = ""
    level: int | str = 0


def smoke(**probe: Any) -> Smoke:
    return Smoke(
        base_url="http://127.0.0.1", probes=(Probe(name="p", path="/", **probe),)
    )


def test_variable_is_replaced():
    assert expand(Note(text="a ${X} b${X}"), {"X": "1"}).text == "a 1 b1"


def test_variable_in_nested_list_is_replaced():
    note = Note(text={"a": [{"b": "${X}"}]})
    assert expand(note, {"X": "1"}).text == {"a": [{"b": "1"}]}


def test_alias_is_kept():
    assert expand(smoke(json={"o": "${X}"}), {"X": "1"}).probes[0].json_ == {"o": "1"}


def test_default_is_replaced():
    probes = (Probe(name="p", path="/"),)
    values = {"PGFLIGHT_ENDPOINT": "http://127.0.0.1"}
    assert expand(Smoke(probes=probes), values).base_url == "http://127.0.0.1"


def test_model_type_and_other_values_are_kept():
    before = smoke(expect={"status": 404}, needs_migration=True)
    assert expand(before, {}) == before


def test_key_is_not_replaced():
    cell = Cell(table="t", column="c", where={"${X}": "${X}"})
    assert expand(cell, {"X": "1"}).where == {"${X}": "1"}


def test_escape_is_a_plain_brace():
    assert expand(Note(text="$${X} ${X}"), {"X": "1"}).text == "${X} 1"


def test_dollar_alone_is_kept():
    assert expand(Note(text="$1 $X {X} $$"), {}).text == "$1 $X {X} $$"


def test_value_is_not_expanded_again():
    assert expand(Note(text="${X}"), {"X": "${Y}"}).text == "${Y}"


def test_missing_variable_is_named_with_its_key():
    manifest = Manifest(smoke=smoke(json={"orgs": ["${A}", "${B}"]}))
    assert missing_variables(manifest, {"A": "1"}) == [
        ("smoke.probes[0].json.orgs[1]", "B")
    ]


def test_missing_variable_is_named_once_a_key():
    note = Note(text=["${A}${A}", "${A}"])
    assert missing_variables(note, {}) == [("text[0]", "A"), ("text[1]", "A")]


def test_nothing_is_missing_when_all_have_values():
    assert missing_variables(Note(text="${A} $${B}"), {"A": ""}) == []


def test_expand_names_every_missing_variable():
    with pytest.raises(TargetError) as caught:
        expand(Note(text=["${A}", "${B}"]), {})
    assert caught.value.message == (
        "text[0]: ${A} has no value\ntext[1]: ${B} has no value"
    )
    assert caught.value.help == "Give the target a value for A, B."


@pytest.mark.parametrize("text", ["${", "${}", "${1A}", "${A B}", "${A", "x${A-B}"])
@pytest.mark.parametrize("question", [missing_variables, expand])
def test_malformed_variable_is_refused_with_its_key(question, text):
    with pytest.raises(MigrationError, match=r"^text\.a: \$\{ begins no variable"):
        question(Note(text={"a": text}), {"A": "1"})


def test_value_that_does_not_fit_is_refused_with_its_key():
    before = smoke(headers={"Authorization": "Bearer ${TOKEN}"})
    with pytest.raises(TargetError) as caught:
        expand(before, {"TOKEN": f"{SECRET}\n"})
    assert caught.value.message == (
        "probes[0].headers.Authorization:"
        " the target's value does not fit here (string pattern mismatch)"
    )


def test_error_holds_no_value():
    before = smoke(headers={"Authorization": "Bearer ${TOKEN}"})
    with pytest.raises(TargetError) as caught:
        expand(before, {"TOKEN": f"{SECRET}\n"})
    assert SECRET not in repr(caught.value)
    assert caught.value.__context__ is None


def test_key_path_is_written_as_in_toml():
    assert key_path(("smoke", "probes", 2, "json", "id")) == "smoke.probes[2].json.id"
