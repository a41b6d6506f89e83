"""Labels of parent and child, and made-up names."""

from __future__ import annotations

import re

import pytest

from jeroboam.service.labels import compare, joined
from jeroboam.service.names import made_up


@pytest.mark.parametrize(
    ("given", "merge", "result"),
    [
        (None, False, {"a": "1", "b": "2"}),
        ({}, False, {"a": "1", "b": "2"}),
        ({}, True, {"a": "1", "b": "2"}),
        ({"a": "9"}, False, {"a": "9"}),
        ({"a": "9", "c": "3"}, True, {"a": "9", "b": "2", "c": "3"}),
    ],
)
def test_labels_of_a_cluster(given: dict[str, str] | None, merge: bool, result: dict[str, str]) -> None:
    assert joined({"a": "1", "b": "2"}, given, merge=merge) == result


def test_the_difference_shows_the_parents_values() -> None:
    found = compare({"a": "1", "b": "2", "same": "s"}, {"a": "9", "c": "3", "same": "s"})
    assert found.overridden == {"a": "1"}
    assert found.added == {"c": "3"}
    assert found.skipped == {"b": "2"}


def test_made_up_names() -> None:
    names = {made_up("cluster") for _ in range(50)}
    assert all(re.fullmatch(r"[a-z]+-([1-9]|1\d|2[0-4])-cluster", name) for name in names)
    assert len(names) > 1
