"""The hint of a cluster whose machines are not there fits what ails them."""

from datetime import UTC, datetime

import pytest

from jeroboam.conductor.health import with_machines
from jeroboam.domain import Ailing, Ailment, Health, Role

_START = "Start the machine again, or have the cluster healed (`jeroboam cluster heal`)."


_KUBELET = {"api": "ok", "w-0.Ready": "False", "class": "operator", "hint": "Read the kubelet's words on that node."}
_NO_API = {"api": "The API does not answer.", "class": "operator", "hint": "Look at the control plane."}
_HEAL = "Have the cluster healed (`jeroboam cluster heal`)."


@pytest.mark.parametrize(
    ("ailments", "seen", "hint"),
    [
        ((Ailment.GONE,), {"api": "ok"}, _HEAL),
        ((Ailment.GONE,), _KUBELET, _HEAL),
        ((Ailment.GONE,), {**_KUBELET, "another.Ready": "False"}, _KUBELET["hint"]),
        ((Ailment.STOPPED,), {"api": "ok"}, _START),
        ((Ailment.STOPPED,), _KUBELET, _KUBELET["hint"]),
        ((Ailment.GONE, Ailment.STOPPED), {"api": "ok"}, _START),
        ((Ailment.GONE,), _NO_API, _NO_API["hint"]),
        ((Ailment.GONE,), {**_NO_API, "w-0.Ready": "False"}, _NO_API["hint"]),
    ],
)
def test_nobody_is_told_to_look_at_a_machine_that_is_gone(
    ailments: tuple[Ailment, ...], seen: dict[str, str], hint: str
) -> None:
    ailing = {
        f"w-{i}": Ailing(f"w-{i}", "g", Role.WORKER, i, one, "why", datetime.now(UTC)) for i, one in enumerate(ailments)
    }
    health, told = with_machines((Health.UNHEALTHY, seen), ailing)
    assert (health, told["hint"]) == (Health.UNHEALTHY, hint)
