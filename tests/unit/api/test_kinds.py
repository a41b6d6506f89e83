"""Kinds of the wire: what a kind says that it takes is what it takes."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from jeroboam.api.v1 import fields, kinds
from jeroboam.api.v1.fields import Field
from jeroboam.api.v1.group_wire import Taints
from jeroboam.domain.errors import InvalidRequest

CLEAN = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=6)
TEXT = CLEAN | st.sampled_from(
    ["true", "oN", "No", "-7", "+12", "vm", "0b6e8f0e-aaaa-4000-8000-000000000001", "effect"]
)
SCALARS = st.none() | st.booleans() | st.integers(-3, 12) | TEXT | st.just(2.5)
VALUES = st.recursive(
    SCALARS, lambda of: st.lists(of, max_size=3) | st.dictionaries(TEXT, of, max_size=3), max_leaves=5
)
EXAMPLES: list[kinds.Kind] = [
    kinds.Text(),
    kinds.Text(least=2, most=4, pattern="^[a-z]+$"),
    kinds.Text(least=0, most=None),
    kinds.Integer(),
    kinds.Integer(least=1, most=9),
    kinds.Boolean(),
    kinds.OneOf(("vm", "bm")),
    kinds.Uuid(),
    kinds.Labels(),
    kinds.Words(),
    kinds.Texts(),
    kinds.Anything(),
    Taints(),
]


def taken(kind: kinds.Kind, value: Any) -> bool:
    try:
        kind.read("f", value)
    except InvalidRequest:
        return False
    return True


@pytest.mark.parametrize("kind", EXAMPLES, ids=repr)
def test_a_kind_takes_what_its_schema_says(kind: kinds.Kind) -> None:
    promised = jsonschema_rs.validator_for(kind.schema())

    @settings(max_examples=300)
    @given(VALUES)
    def compare(value: Any) -> None:
        assume(not isinstance(value, float))  # cut where integers are due, for old clients
        assume(not isinstance(value, str) or value == value.strip())  # nor is it told that blanks around are
        if taken(kind, value):
            assert promised.is_valid(value)
        elif not (isinstance(kind, kinds.Integer) and isinstance(value, str)):  # limits of digits cannot be said
            assert not promised.is_valid(value)

    compare()


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        (kinds.Text(most=242, pattern="^[a-z]$"), {"type": "string", "minLength": 1, "maxLength": 242, "pattern": "^[a-z]$"}),
        (kinds.Text(least=0, most=None), {"type": "string"}),
        (
            kinds.Integer(least=1024, most=65535),
            {"type": ["integer", "string"], "minimum": 1024, "maximum": 65535, "pattern": "^[+-]?[0-9]{1,30}$"},
        ),
        (kinds.OneOf(("vm", "bm")), {"type": "string", "enum": ["vm", "bm"]}),
        (kinds.Anything(), {}),
    ],
)  # fmt: skip
def test_what_a_kind_says_of_itself(kind: kinds.Kind, schema: dict[str, Any]) -> None:
    assert kind.schema() == schema


def test_a_table_of_fields_says_what_must_be_there_and_what_stands_for_the_rest() -> None:
    table = {
        "name": Field(kinds.Text(), mandatory=True),
        "type": Field(kinds.OneOf(("vm", "bm")), default="vm"),
        "flag": Field(kinds.Boolean()),
        "whatever": Field(kinds.Anything()),
        "id": Field(kinds.Anything(), read_only=True),
    }
    shown = fields.schema(table)
    assert (shown["type"], shown["required"], shown["additionalProperties"]) == ("object", ["name"], False)
    assert shown["properties"]["name"] == {"type": "string", "minLength": 1, "maxLength": 255}
    assert shown["properties"]["type"] == {"type": ["string", "null"], "enum": ["vm", "bm", None], "default": "vm"}
    assert shown["properties"]["flag"]["anyOf"][-1] == {"type": "null"}
    assert shown["properties"]["whatever"] == {}
    assert shown["properties"]["id"] == {"type": "null", "readOnly": True}


BODIES = st.dictionaries(st.sampled_from(["name", "count", "id", "other"]), VALUES, max_size=3)


@settings(max_examples=300)
@given(BODIES)
def test_a_body_is_taken_exactly_when_it_fits_the_schema(body: dict[str, Any]) -> None:
    table = {
        "name": Field(kinds.OneOf(("vm", "bm")), mandatory=True),
        "count": Field(kinds.Labels(), default={}),
        "id": Field(kinds.Anything(), read_only=True),
    }
    try:
        fields.decode("thing", table, body)
        fits = True
    except InvalidRequest:
        fits = False
    assert jsonschema_rs.validator_for(fields.schema(table)).is_valid(body) == fits
