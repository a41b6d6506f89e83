"""POST /ext/v1/clusters/{cluster}/force_delete: who may, what it leaves, and how that is found and removed later."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from jeroboam.providers.fake import Fault
from jeroboam.testing.stage import QUICK

if TYPE_CHECKING:
    from tests.api.conftest import Api


async def test_what_is_left_behind_is_an_orphan_until_it_is_removed(admin: Api) -> None:
    member = admin.as_("user-1")
    uuid = await member.cluster()
    assert await member.finished(uuid) == "succeeded"
    faults = admin.stage.provider.cloud._faults  # type: ignore[attr-defined]
    faults.append(Fault("delete_all", "refuse", message="the project is locked"))
    admin.stage.limits = replace(QUICK, forced=timedelta(seconds=0.5))
    answer = await admin.post(f"/ext/v1/clusters/{uuid}/force_delete")
    asked = answer.json()
    assert (answer.status_code, asked["verb"], asked["forced"], asked["state"]) == (202, "delete", True, "queued")
    assert await admin.finished(uuid) == "succeeded"
    assert (await admin.get(f"/v1/clusters/{uuid}")).status_code == 404
    steps = (await member.get(f"/ext/v1/operations/{asked['uuid']}/steps")).json()["steps"]
    [report] = [step for step in steps if step["name"] == "report"]
    assert "; left behind: 1 endpoint (" in report["message"]
    assert len(await admin.stage.store.open_resources(uuid)) == 4
    [orphan] = (await admin.get("/ext/v1/orphans")).json()["orphans"]
    assert (orphan["cluster_uuid"], orphan["ours"], len(orphan["resources"])) == (uuid, True, 4)
    faults.clear()
    assert (await admin.delete(f"/ext/v1/orphans/{uuid}")).status_code == 200
    assert await admin.stage.store.open_resources(uuid) == []


async def test_tenants_may_not_leave_anything_behind(member: Api) -> None:
    uuid = await member.cluster()
    answer = await member.post(f"/ext/v1/clusters/{uuid}/force_delete")
    assert answer.status_code == 403
    assert answer.json()["errors"][0]["detail"] == "Policy doesn't allow cluster:force_delete to be performed."
    assert (await member.post("/ext/v1/clusters/nope/force_delete")).status_code == 404
