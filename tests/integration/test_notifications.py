"""Notifications from the status change to the receiver: log, webhook on loopback, oslo.messaging's in-memory bus."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from jeroboam import notify
from jeroboam.conductor.courier import Courier
from jeroboam.contracts import ClusterEvent, GroupStatus, StatusChange
from jeroboam.domain import OperationKind, OperationState, Status
from jeroboam.domain.errors import ConfigError, LeaseLost, ProviderRefused, ProviderUnavailable
from jeroboam.notify import cadf
from jeroboam.store import Sealer, SqlStore
from jeroboam.testing import builders
from jeroboam.testing.builders import ManualClock

ALL = 100


@dataclass
class Recorder:
    """A sender that keeps what came, and fails as often as told."""

    came: list[ClusterEvent] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    async def send(self, event: ClusterEvent) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.came.append(event)

    async def stop(self) -> None:
        """Nothing is held."""

    @property
    def told(self) -> list[str]:
        return [f"{event.action} {event.outcome} {event.cluster['status']}" for event in self.came]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def store(tmp_path: Path, clock: ManualClock) -> AsyncIterator[SqlStore]:
    made = SqlStore(f"sqlite:///{tmp_path}/store.sqlite", Sealer(b"k" * 32), clock)
    made.record_events = True
    await made.start()
    yield made
    await made.stop()


async def add(store: SqlStore, **changes: object) -> tuple[str, str]:
    cluster = builders.cluster(**changes)
    operation = builders.operation(cluster)
    await builders.keep(store, cluster, operation)
    return cluster.uuid, operation.uuid


async def created(store: SqlStore, *, ok: bool = True) -> str:
    """A cluster whose creation has ended, in two events."""
    uuid, operation = await add(store)
    begun = await store.begin_operation(operation)
    assert begun is not None
    status = Status.CREATE_COMPLETE if ok else Status.CREATE_FAILED
    row = await store.load(uuid)
    assert row is not None
    groups = {row.groups[0].uuid: GroupStatus(status=status, node_addresses=("10.0.0.5",))}
    change = StatusChange(status=status, api_address="https://127.0.0.1:6443", groups=groups)
    state = OperationState.SUCCEEDED if ok else OperationState.FAILED
    await store.finish_operation(operation, begun[1], state, change=change, error=None if ok else "no image")
    return uuid


async def test_each_end_is_told_after_its_beginning_and_the_outbox_is_empty_then(
    store: SqlStore, clock: ManualClock
) -> None:
    uuid = await created(store)
    row = await store.load(uuid)
    assert row is not None
    resize = builders.operation(row.cluster, OperationKind.RESIZE)
    await store.request_change(uuid, [], resize, status=Status.UPDATE_IN_PROGRESS)
    begun = await store.begin_operation(resize.uuid)
    assert begun is not None
    failed = StatusChange(status=Status.UPDATE_FAILED)
    await store.finish_operation(resize.uuid, begun[1], OperationState.FAILED, change=failed, error="no room")
    delete = builders.operation(row.cluster, OperationKind.DELETE)
    await store.request_delete(uuid, delete)
    begun = await store.begin_operation(delete.uuid)
    assert begun is not None
    await store.remove_cluster(uuid, begun[1], delete.uuid)
    recorder = Recorder()
    courier = Courier(store, recorder, clock)
    while await courier.once():
        pass
    assert recorder.told == [
        "create pending CREATE_IN_PROGRESS",
        "create success CREATE_COMPLETE",
        "update pending UPDATE_IN_PROGRESS",
        "update failure UPDATE_FAILED",
        "delete pending DELETE_IN_PROGRESS",
        "delete success DELETE_COMPLETE",
    ]
    assert [event.reason for event in recorder.came if event.reason] == ["no room"]
    assert await store.due_events(ALL) == []


async def test_a_take_over_is_no_news_and_node_groups_are_silent(store: SqlStore, clock: ManualClock) -> None:
    uuid, operation = await add(store)
    await store.begin_operation(operation)
    await store.begin_operation(operation)
    recorder = Recorder()
    courier = Courier(store, recorder, clock)
    assert await courier.once() == 1
    assert await courier.once() == 0
    row = await store.load(uuid)
    assert row is not None
    group = builders.operation(row.cluster, OperationKind.NODEGROUP_CREATE)
    await store.request_change(uuid, [], group, status=Status.UPDATE_IN_PROGRESS)
    assert await store.due_events(ALL) == []


async def test_what_was_not_written_is_not_told_and_what_was_is_told_after_a_crash(
    store: SqlStore, clock: ManualClock, tmp_path: Path
) -> None:
    _, operation = await add(store)
    begun = await store.begin_operation(operation)
    assert begun is not None
    with pytest.raises(LeaseLost):
        await store.finish_operation(operation, begun[1] + 1, OperationState.SUCCEEDED)
    assert [event.outcome for event in await store.due_events(ALL)] == ["pending"]
    await store.stop()  # the process dies between the change and its delivery
    again = SqlStore(f"sqlite:///{tmp_path}/store.sqlite", Sealer(b"k" * 32), clock)
    await again.start()
    recorder = Recorder()
    assert await Courier(again, recorder, clock).once() == 1
    assert recorder.told == ["create pending CREATE_IN_PROGRESS"]
    await again.stop()


async def test_nothing_is_written_when_nobody_is_told(store: SqlStore) -> None:
    store.record_events = False
    await created(store)
    assert await store.due_events(ALL) == []


async def test_a_cluster_whose_event_waits_keeps_its_order_and_holds_up_no_other(
    store: SqlStore, clock: ManualClock
) -> None:
    first = await created(store, ok=False)
    recorder = Recorder(failures=[ProviderUnavailable("away"), ProviderUnavailable("away")])
    courier = Courier(store, recorder, clock)
    assert await courier.once() == 0
    other = await created(store)
    clock.advance(1.1)
    recorder.failures = [ProviderUnavailable("still away")]
    await courier.once()
    await courier.once()
    assert [event.cluster_uuid for event in recorder.came] == [other, other]
    clock.advance(2.1)
    while await courier.once():
        pass
    assert recorder.told[2:] == ["create pending CREATE_IN_PROGRESS", "create failure CREATE_FAILED"]
    assert {event.cluster_uuid for event in recorder.came[2:]} == {first}


async def test_what_nobody_takes_is_given_up_by_age_number_and_refusal(store: SqlStore, clock: ManualClock) -> None:
    await created(store)
    refusing = Recorder(failures=[ProviderRefused("never")])
    await Courier(store, refusing, clock).once()
    assert [event.outcome for event in await store.due_events(ALL)] == ["success"]
    await created(store)
    recorder = Recorder()
    assert await Courier(store, recorder, clock, max_events=1).once() == 1
    assert recorder.told == ["create success CREATE_COMPLETE"]
    await created(store)
    clock.advance(86401)
    assert await Courier(store, recorder, clock).once() == 0
    assert await store.due_events(ALL) == []


async def test_the_payload_is_cadf_and_holds_no_secret(store: SqlStore) -> None:
    await created(store)
    [pending] = await store.due_events(ALL)
    assert pending.id is not None
    await store.close_event(pending.id)
    [event] = await store.due_events(ALL)
    body = json.loads(json.dumps(cadf.payload(event)))
    assert (cadf.event_type(event), cadf.priority(event)) == ("magnum.cluster.create", "INFO")
    assert (body["eventType"], body["action"], body["outcome"]) == ("activity", "create", "success")
    assert body["initiator"]["typeURI"] == "service/security/account/user"
    assert body["observer"]["typeURI"] == body["target"]["typeURI"] == "service/magnum/cluster"
    assert body["target"]["id"] == event.cluster_uuid
    [attached] = body["target"]["attachments"]
    data = attached["content"]
    assert attached["name"] == "cluster_data"
    assert (data["status"], data["master_count"], data["api_address"]) == (
        "CREATE_COMPLETE",
        1,
        "https://127.0.0.1:6443",
    )
    assert data["master_addresses"] == ["10.0.0.5"]
    shape = {**event.cluster["shape"], "labels": {"grafana_admin_passwd": "hunter2", "kube_tag": "v1.34"}}
    shape["http_proxy"] = "http://user:hunter2@proxy"
    spoken = ClusterEvent(**{**vars(event), "cluster": {**event.cluster, "shape": shape}})
    shown = json.dumps(cadf.payload(spoken))
    assert '"kube_tag": "v1.34"' in shown
    assert "hunter2" not in shown


@dataclass
class Hook:
    """A webhook's other end: answers in the order given, then 204."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    came: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.came.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(made.answers.pop(0) if made.answers else 204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}/events"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join(10)


@pytest.mark.sockets
async def test_a_webhook_gets_signed_json_again_until_it_takes_it(
    store: SqlStore, clock: ManualClock, hook: Hook, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_text("shared-key\n")
    sender = notify.create("webhook", {"url": hook.url, "secret_file": str(key), "host": "ctl-1", "timeout_s": "5"})
    hook.answers = [503]
    await created(store)
    courier = Courier(store, sender, clock)
    assert await courier.once() == 0
    clock.advance(1.1)
    while await courier.once():
        pass
    await sender.stop()
    bodies = [json.loads(body) for _, body in hook.came]
    assert [body["payload"]["outcome"] for body in bodies] == ["pending", "pending", "success"]
    assert hook.came[0][0]["x-jeroboam-event-id"] == hook.came[1][0]["x-jeroboam-event-id"] == bodies[0]["message_id"]
    assert (bodies[2]["publisher_id"], bodies[2]["priority"]) == ("container-infra.ctl-1", "INFO")
    headers, body = hook.came[2]
    assert headers["x-jeroboam-signature"] == "sha256=" + hmac.new(b"shared-key", body, hashlib.sha256).hexdigest()
    assert b"shared-key" not in body


@pytest.mark.sockets
@pytest.mark.parametrize(
    ("status", "error"),
    [(400, ProviderRefused), (410, ProviderRefused), (429, ProviderUnavailable), (302, ProviderUnavailable)],
)
async def test_a_webhook_that_answers_otherwise(
    store: SqlStore, hook: Hook, status: int, error: type[Exception]
) -> None:
    await created(store)
    [event] = await store.due_events(ALL)
    sender = notify.create("webhook", {"url": hook.url})
    hook.answers = [status]
    with pytest.raises(error, match=str(status)):
        await sender.send(event)
    await sender.stop()
    assert "x-jeroboam-signature" not in hook.came[0][0]


async def test_the_message_bus_gets_magnums_notifications(store: SqlStore) -> None:
    import oslo_messaging

    await created(store, ok=False)
    sender = notify.create("messaging", {"url": "fake://", "host": "ctl-1"})
    heard: list[tuple[str, str, str, dict[str, Any]]] = []
    arrived = threading.Event()

    class Endpoint:
        def info(self, _context: Any, publisher: str, kind: str, payload: Any, _meta: Any) -> None:
            heard.append(("info", publisher, kind, payload))

        def error(self, _context: Any, publisher: str, kind: str, payload: Any, _meta: Any) -> None:
            heard.append(("error", publisher, kind, payload))
            arrived.set()

    assert isinstance(sender, notify.MessagingSender)
    listener = oslo_messaging.get_notification_listener(
        sender._transport, [oslo_messaging.Target(topic="notifications")], [Endpoint()], executor="threading"
    )
    listener.start()
    courier = Courier(store, sender, ManualClock())
    while await courier.once():
        pass
    assert arrived.wait(10)
    listener.stop()
    listener.wait()
    await sender.stop()
    assert sorted(one[:3] for one in heard) == [
        ("error", "container-infra.ctl-1", "magnum.cluster.create"),
        ("info", "container-infra.ctl-1", "magnum.cluster.create"),
    ]
    assert {one[3]["outcome"] for one in heard} == {"pending", "failure"}


@pytest.mark.parametrize(
    ("driver", "settings", "text"),
    [
        ("smoke", {}, "[notifications] driver: 'smoke' is not known."),
        ("webhook", {}, "[notifications] url is not set."),
        ("messaging", {}, "[notifications] url is not set."),
        (
            "messaging",
            {"url": "pigeon://user:hunter2@loft"},
            "[notifications] url is no transport URL that oslo.messaging knows.",
        ),
        (
            "webhook",
            {"url": "http://127.0.0.1:1/", "secret_file": "/nonexistent/key"},
            "[notifications] secret_file: /nonexistent/key: No such file or directory.",
        ),
    ],
)
def test_wrong_settings_are_named(driver: str, settings: dict[str, str], text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        notify.create(driver, settings)
    assert caught.value.message == text
    assert "hunter2" not in caught.value.hint
