"""/ext/v1: operations retried and cancelled over HTTP, by whom, and with which answers."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from jeroboam.api import ApiSettings
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
    assert shown == (await broken.get(f"/ext/v1/operations/{shown['uuid']}")).json()
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


def parsed(text: str) -> list[tuple[str, Any]]:
    """The events of a stream, as a browser would read them; comments are left out."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "event" in fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found


async def events_of(api: Api, uuid: str) -> tuple[str, list[tuple[str, Any]]]:
    [newest, *_] = (await api.get(f"/ext/v1/clusters/{uuid}/operations")).json()["operations"]
    path = f"/ext/v1/operations/{newest['uuid']}/events"
    answer = await api.get(path, headers={"Accept": "text/event-stream"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    return str(newest["uuid"]), parsed(answer.text)


async def test_the_events_of_what_is_over_are_its_steps_itself_and_the_end(member: Api) -> None:
    uuid = await member.cluster()
    await member.finished(uuid)
    operation, told = await events_of(member, uuid)
    steps = (await member.get(f"/ext/v1/operations/{operation}/steps")).json()["steps"]
    assert [document for kind, document in told if kind == "step"] == steps
    shown = (await member.get(f"/ext/v1/operations/{operation}")).json()
    assert [told[0], told[-1]] == [("operation", shown), ("end", {})]
    assert len(told) == len(steps) + 2


async def test_each_step_is_told_when_it_opens_and_when_it_closes(make: Maker) -> None:
    member = make(provider=FakeProvider(Cloud(), boot_s=2.5)).as_("user-1")
    uuid = await member.cluster()
    (_, told), state = await asyncio.gather(events_of(member, uuid), member.finished(uuid))
    assert state == "succeeded"
    boots = [one["ended_at"] is None for kind, one in told if kind == "step" and one["name"] == "boot"]
    assert (boots.count(True), boots.count(False)) == (2, 2)
    assert [one["state"] for kind, one in told if kind == "operation"][-1] == "succeeded"
    assert told[-1] == ("end", {})


async def test_events_are_their_projects_own(broken: Api) -> None:
    [create] = (await broken.get("/ext/v1/clusters/demo/operations")).json()["operations"]
    path = f"/ext/v1/operations/{create['uuid']}/events"
    assert (await broken.as_("user-9", "project-9").get(path)).status_code == 404
    assert (await broken.as_("user-3", roles="guest").get(path)).status_code == 403


async def test_so_many_streams_and_no_more(make: Maker) -> None:
    member = make(api=ApiSettings(max_streams=1)).as_("user-1")
    uuid = await member.cluster()
    first = asyncio.create_task(events_of(member, uuid))
    streams = member.transport.app.state.streams  # type: ignore[attr-defined]
    while not streams.open:
        await asyncio.sleep(0.01)
    [create] = (await member.get(f"/ext/v1/clusters/{uuid}/operations")).json()["operations"]
    full = await member.get(f"/ext/v1/operations/{create['uuid']}/events")
    assert (full.status_code, full.headers["Retry-After"], detail(full)) == (
        503,
        "10",
        "1 streams of events are open already. Ask for the steps instead.",
    )
    await member.finished(uuid)
    assert (await first)[1][-1] == ("end", {})
    assert streams.open == 0
