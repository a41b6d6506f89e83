"""/ext/v1: operations retried and cancelled over HTTP, by whom, and with which answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jeroboam.providers.fake import Cloud, FakeProvider, Fault

if TYPE_CHECKING:
    from tests.api.conftest import Api, Maker


def detail(answer: object) -> str:
    return str(answer.json()["errors"][0]["detail"])  # type: ignore[attr-defined]


@pytest.fixture
async def broken(make: Maker) -> Api:
    """A member of project-1, whose cluster "demo" has failed for want of a host."""
    faults = [Fault("ensure_machine", "refuse", "*worker-0", "no valid host was found", times=1)]
    member = make(provider=FakeProvider(Cloud(faults=faults), boot_s=0)).as_("user-1")
    assert await member.finished(await member.cluster()) == "failed"
    return member


async def test_a_retry_over_http(broken: Api) -> None:
    answer = await broken.post("/ext/v1/clusters/demo/retry")
    shown = answer.json()
    assert (answer.status_code, shown["kind"], shown["state"]) == (202, "create", "queued")
    assert shown["request_id"] == answer.headers["X-OpenStack-Request-ID"]
    cluster = (await broken.get("/v1/clusters/demo")).json()
    assert cluster["status"] == "CREATE_IN_PROGRESS"
    again = await broken.post("/ext/v1/clusters/demo/retry")
    assert (again.status_code, detail(again)) == (
        409,
        "Cluster demo is CREATE_IN_PROGRESS: it is worked on. Wait for the operation's end, or cancel it first.",
    )
    assert await broken.finished(cluster["uuid"]) == "succeeded"
    done = await broken.post("/ext/v1/clusters/demo/retry")
    assert (done.status_code, detail(done)) == (409, "Cluster demo is CREATE_COMPLETE: nothing has failed.")


async def test_a_cancel_over_http(member: Api) -> None:
    uuid = await member.cluster()
    [create] = (await member.get(f"/ext/v1/clusters/{uuid}/operations")).json()["operations"]
    answer = await member.post(f"/ext/v1/operations/{create['uuid']}/cancel")
    assert (answer.status_code, answer.json()["state"], answer.json()["cancel_requested"]) == (202, "queued", True)
    assert await member.finished(uuid) == "cancelled"
    shown = (await member.get("/v1/clusters/demo")).json()
    assert shown["status"] == "CREATE_FAILED"
    assert shown["status_reason"].startswith("Stopped: cancelled by request req-")
    late = await member.post(f"/ext/v1/operations/{create['uuid']}/cancel")
    assert (late.status_code, detail(late)) == (409, f"Operation {create['uuid']} is over: it was cancelled.")


async def test_nobody_else_retries_or_cancels_and_an_administrator_does(broken: Api, admin: Api) -> None:
    stranger = broken.as_("user-9", "project-9")
    reader = broken.as_("user-2", roles="reader")
    [create] = (await broken.get("/ext/v1/clusters/demo/operations")).json()["operations"]
    cancel = f"/ext/v1/operations/{create['uuid']}/cancel"
    assert (await stranger.post("/ext/v1/clusters/demo/retry")).status_code == 404
    assert (await stranger.post(cancel)).status_code == 404
    refused = await reader.post("/ext/v1/clusters/demo/retry")
    assert (refused.status_code, detail(refused)) == (403, "Policy doesn't allow cluster:retry to be performed.")
    refused = await reader.post(cancel)
    assert (refused.status_code, detail(refused)) == (403, "Policy doesn't allow operation:cancel to be performed.")
    operator = broken.as_("root", "admin", "admin")
    retried = await operator.post("/ext/v1/clusters/demo/retry")
    assert (retried.status_code, retried.json()["project_id"]) == (202, "project-1")
    assert (await operator.post(f"/ext/v1/operations/{retried.json()['uuid']}/cancel")).status_code == 202
