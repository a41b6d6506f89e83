"""/ext/v1/orphans: what is listed, what is removed, and what is left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from jeroboam.contracts import NetworkSpec
from jeroboam.testing import builders

if TYPE_CHECKING:
    from tests.api.conftest import Api


def detail(answer: object) -> str:
    return str(answer.json()["errors"][0]["detail"])  # type: ignore[attr-defined]


async def strewn(api: Api, uuid: str) -> None:
    """A network that carries the tag of a cluster."""
    await api.stage.provider.ensure_network(builders.cluster(uuid=uuid, name="lost"), NetworkSpec(6443))


@pytest.fixture
async def ours(admin: Api) -> str:
    """The uuid of a cluster that was deleted, and of which something came back."""
    member = admin.as_("user-1")
    uuid = await member.cluster()
    await member.finished(uuid)
    await member.delete(f"/v1/clusters/{uuid}")
    assert await member.finished(uuid) == "succeeded"
    await strewn(admin, uuid)
    return uuid


async def test_what_no_cluster_owns_is_listed_and_removed(admin: Api, ours: str) -> None:
    live = await admin.as_("user-1").cluster(name="live")
    assert await admin.finished(live) == "succeeded"
    [found] = (await admin.get("/ext/v1/orphans")).json()["orphans"]
    assert (found["cluster_uuid"], found["ours"]) == (ours, True)
    assert [one["kind"] for one in found["resources"]] == ["network"]
    answer = await admin.delete(f"/ext/v1/orphans/{ours}")
    assert (answer.status_code, answer.json()) == (200, found)
    assert (await admin.get("/ext/v1/orphans")).json() == {"orphans": []}
    gone = await admin.delete(f"/ext/v1/orphans/{ours}")
    assert (gone.status_code, detail(gone)) == (404, f"Orphan {ours} could not be found.")
    assert len(await admin.stage.provider.list_resources(live)) == 4


async def test_a_cluster_that_is_kept_is_not_touched(admin: Api) -> None:
    uuid = await admin.as_("user-1").cluster()
    await admin.finished(uuid)
    answer = await admin.delete(f"/ext/v1/orphans/{uuid}?foreign=true")
    assert (answer.status_code, detail(answer)) == (409, f"Cluster {uuid} is kept. Delete the cluster.")
    assert await admin.stage.provider.list_resources(uuid)


async def test_what_may_be_another_installations_is_removed_only_at_a_word(admin: Api) -> None:
    uuid = str(uuid4())
    await strewn(admin, uuid)
    [found] = (await admin.get("/ext/v1/orphans")).json()["orphans"]
    assert (found["cluster_uuid"], found["ours"]) == (uuid, False)
    refused = await admin.delete(f"/ext/v1/orphans/{uuid}")
    assert (refused.status_code, detail(refused)) == (
        409,
        f"Nothing is recorded here of a cluster {uuid}. "
        "It may be another installation's that uses the same provider. If it is not, say foreign.",
    )
    assert (await admin.delete(f"/ext/v1/orphans/{uuid}?foreign=true")).status_code == 200
    assert await admin.stage.provider.list_resources() == []
    wrong = await admin.delete(f"/ext/v1/orphans/{uuid}?foreign=perhaps")
    assert wrong.status_code == 400


async def test_tenants_neither_see_nor_remove(member: Api) -> None:
    for answer in (await member.get("/ext/v1/orphans"), await member.delete(f"/ext/v1/orphans/{uuid4()}")):
        assert answer.status_code == 403
        assert detail(answer).startswith("Policy doesn't allow orphan:")
