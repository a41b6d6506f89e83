"""Step "routes": the provider's network carries the addresses of pods, where nodes send them as they are."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

import structlog

from ...contracts import Access, PodRange, PodRouter, RoutedPods
from ...domain.errors import CoeUnreachable, JeroboamError, LeaseLost, RetryLater
from ..scope import DONE, Outcome, Scope, StepProtocol

_log = structlog.get_logger(__name__)
_ASK, _TELL = timedelta(seconds=5), timedelta(seconds=30)  # at the most, while others are waited for
_AT = ("routes", "")
_UNREACHED = (
    "which node has which pods cannot be asked: the cluster's API is not reachable from here. The network carries pods of one node to "
    "another only where it carries everything: use another backend, or a cluster whose API has an address that the service reaches."
)


class _Routing(NamedTuple):
    """Who says which node has which pods, who is told, and which addresses pods have."""

    driver: RoutedPods
    provider: PodRouter
    pods: PodRange

    @classmethod
    def of(cls, scope: Scope) -> _Routing | None:
        """None where nobody need be told."""
        driver, provider = scope.driver, scope.provider
        if not isinstance(driver, RoutedPods) or not isinstance(provider, PodRouter):
            return None
        pods = driver.routed_pods(scope.cluster.shape)
        return cls(driver, provider, pods) if pods else None


class PodRoutes:
    """Which node has which part is the cluster's to say: it is asked anew in each pass that comes so far, and nothing of it is kept.

    Who administers the cluster can let it say anything. The network is told what is a node's part of the pods' addresses, and no more.
    """

    async def run(self, scope: Scope) -> Outcome:
        routing = _Routing.of(scope)
        if routing is None:
            return DONE
        access = scope.access()
        if access is None:
            if not scope.timeline.ended_well(*_AT):
                await scope.timeline.begin(*_AT)
                await scope.timeline.end(*_AT, message=f"{routing.pods.wish}, but {_UNREACHED}")
            return DONE
        async with scope.timeline.step("routes"):
            await scope.timeline.end("routes", message=await _route(scope, routing, access))
        return DONE


@dataclass(frozen=True)
class Meanwhile:
    """A step that may wait for some nodes, or fail because of one: those that are there have their pods carried all the same."""

    step: StepProtocol

    async def run(self, scope: Scope) -> Outcome:
        try:
            outcome = await self.step.run(scope)
        except LeaseLost:
            raise
        except RetryLater:
            await _route_early(scope, scope.limits.routes)
            raise
        except JeroboamError:
            await _route_early(scope, timedelta())
            raise
        if not outcome.done:
            await _route_early(scope, scope.limits.routes)
        return outcome


async def _route_early(scope: Scope, every: timedelta) -> None:
    """At most once in `every`. What goes wrong here is told by the step "routes", when it comes so far and goes wrong again."""
    routing, now = _Routing.of(scope), scope.clock.now()
    scope.routed_at = scope.routed_at or now
    if routing is None or now - scope.routed_at < every:
        return
    access = scope.access()
    if access is None:
        return
    try:
        await _route(scope, routing, access, ask=_ASK, tell=_TELL)
    except LeaseLost:
        raise
    except JeroboamError as error:
        _log.info("pods are not routed yet", cluster=scope.cluster.uuid, why=error.message)
    scope.routed_at = scope.clock.now()


async def _route(
    scope: Scope,
    routing: _Routing,
    access: Access,
    *,
    ask: timedelta | None = None,
    tell: timedelta | None = None,
) -> str:
    """What is left undone, in words; "" when nothing is. `ask` and `tell`: how long the cluster and the provider have for it."""
    driver, provider, pods = routing
    network, _ = scope.place()
    asking = driver.pod_ranges(access)
    ranges = await scope.called("pod_ranges", asking, at=_AT, limit=ask, passes=CoeUnreachable)
    parts = {name: cidr for name, cidr in ranges.items() if _is_part(cidr, pods)}
    async with scope.turn(limit=tell):
        work = provider.route_pods(scope.cluster, network, pods.cidr, parts)
        no_room = await scope.called("route_pods", work, at=_AT, limit=tell)
    return " ".join(filter(None, (_left_out(scope, pods, ranges.keys() - parts.keys(), ranges), no_room)))


def _is_part(cidr: str, pods: PodRange) -> bool:
    try:
        part, whole = ipaddress.ip_network(str(cidr)), ipaddress.ip_network(pods.cidr)
    except ValueError:
        return False
    return part.version == whole.version and part.subnet_of(whole) and part.prefixlen >= pods.node_bits  # type: ignore[arg-type]


def _left_out(scope: Scope, pods: PodRange, names: Collection[str], ranges: Mapping[str, str]) -> str:
    """Of machines of ours, in words; "" when there is none."""
    ours = sorted(machine.name for machine in scope.seen if machine.name in names)
    if not ours:
        return ""
    some = ", ".join(f"{name} {str(ranges[name])[:50]!r}" for name in ours[:3])
    more = f" and {len(ours) - 3} more" if len(ours) > 3 else ""
    return (
        f"Pods of these nodes are not carried, since what the cluster gave the node is no part of {pods.cidr} with a prefix of "
        f"{pods.node_bits} or longer: {some}{more}. Remove these nodes: new ones get parts anew."
    )
