import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jeroboam.domain import OperationKind, Status, Verb, begin, cluster_slug, end, machine_name, slug
from jeroboam.domain.errors import Conflict

LABEL = re.compile(r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$")


@given(st.text(max_size=300), st.integers(1, 40))
def test_slug_is_a_dns_label_within_its_limit(text: str, limit: int) -> None:
    result = slug(text, limit)
    assert LABEL.match(result)
    assert len(result) <= max(limit, 1)


@given(st.text(min_size=1, max_size=242), st.uuids(), st.text(min_size=1, max_size=255), st.integers(0, 99_999))
def test_machine_names_are_host_names(name: str, uuid: object, group: str, index: int) -> None:
    result = machine_name(cluster_slug(name, str(uuid)), group, index)
    assert LABEL.match(result)
    assert len(result) <= 63


def test_groups_that_slug_alike_stay_apart() -> None:
    assert machine_name("demo-1", "a-b", 0) == "demo-1-a-b-0"
    assert machine_name("demo-1", "a.b", 0) != machine_name("demo-1", "a_b", 0) != machine_name("demo-1", "a-b", 0)


@pytest.mark.parametrize(
    ("status", "verb", "after"),
    [
        (Status.CREATE_IN_PROGRESS, Verb.CREATE, Status.CREATE_IN_PROGRESS),
        (Status.CREATE_FAILED, Verb.UPDATE, Status.UPDATE_IN_PROGRESS),
        (Status.UPDATE_COMPLETE, Verb.UPDATE, Status.UPDATE_IN_PROGRESS),
        (Status.DELETE_FAILED, Verb.DELETE, Status.DELETE_IN_PROGRESS),
        (Status.CREATE_IN_PROGRESS, Verb.DELETE, Status.DELETE_IN_PROGRESS),
    ],
)
def test_what_follows_from_what(status: Status, verb: Verb, after: Status) -> None:
    assert begin(status, verb) is after


@pytest.mark.parametrize(
    ("status", "verb"),
    [
        (Status.DELETE_IN_PROGRESS, Verb.UPDATE),
        (Status.DELETE_COMPLETE, Verb.DELETE),
        (Status.CREATE_COMPLETE, Verb.CREATE),
    ],
)
def test_what_is_absent_is_a_conflict(status: Status, verb: Verb) -> None:
    with pytest.raises(Conflict, match=f"{verb} is not possible while the status is {status}"):
        begin(status, verb)


def test_every_verb_ends_well_or_badly() -> None:
    assert [end(verb, ok=True) for verb in Verb] == ["CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE"]
    assert [end(verb, ok=False) for verb in Verb] == ["CREATE_FAILED", "UPDATE_FAILED", "DELETE_FAILED"]


def test_every_kind_of_operation_is_a_verb_of_the_table() -> None:
    assert {str(kind): str(kind.verb) for kind in OperationKind} == {
        "create": "create",
        "update": "update",
        "resize": "update",
        "upgrade": "update",
        "delete": "delete",
        "rotate_ca": "update",
        "rotate_credentials": "update",
        "heal": "update",
        "nodegroup_create": "update",
        "nodegroup_update": "update",
        "nodegroup_delete": "update",
    }
