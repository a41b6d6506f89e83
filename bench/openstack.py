"""From the request for a cluster to CREATE_COMPLETE on a real OpenStack whose servers boot nothing (the bed, profile heat-fake), the
calls that each API of the cloud was asked meanwhile, and the deletion; with --with-magnum the same by Magnum, in the same run.

    tests/openstack/bed/up.sh [--with-magnum]
    .venv/bin/python bench/openstack.py [--nodes 1 10 100] [--with-magnum]

A cluster has one control plane and so many nodes. Nodes report by tests/openstack/nodes.py; the container tool is the fake one, since no
machine runs: what is measured is the infrastructure. Calls are those in the services' own logs, whoever asked, Heat's and Nova's among
them; what the bench itself asks is left out. Times are of a machine that others may use: the ratio counts, not the seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[0] = str(ROOT)  # not this folder, where `import openstack` would find this file

from bench.by_magnum import Magnum  # noqa: E402
from tests.openstack.nodes import Nodes  # noqa: E402
from tests.openstack.testbed import IMAGE, Bed, suite_image  # noqa: E402

from jeroboam.contracts import SystemClock  # noqa: E402
from jeroboam.domain import Operation, Secret  # noqa: E402
from jeroboam.drivers.fake import FakeDriver  # noqa: E402
from jeroboam.providers.openstack import OpenStackProvider, OpenStackSettings  # noqa: E402
from jeroboam.providers.openstack.session import KeystoneRest  # noqa: E402
from jeroboam.reconcile.scope import Limits  # noqa: E402
from jeroboam.store import Sealer, SqlStore  # noqa: E402
from jeroboam.testing import builders  # noqa: E402
from jeroboam.testing.stage import Stage  # noqa: E402

_LIMIT_S = 3600.0
_FLAVOR = "m1.tiny"
_SERVICES = ("keystone", "heat", "nova", "neutron", "glance", "placement")
_LOGS = {"nova-api": "nova"}  # others bear their service's name
_CALL = re.compile(r'"(GET|POST|PUT|PATCH|DELETE|HEAD) (/\S*) HTTP/')
_REPORT = re.compile(r"/resources/signal/signal$")  # a node of ours
_LOOK = re.compile(r"nested_depth")  # answer.py, for the nodes of Magnum
_BENCH = re.compile(r"all_tenants=1|/openstack/latest/|/signal$")  # else asked by the bench, or in the name of a node


@dataclass
class Calls:
    """Counts the lines that the services' logs grow by. `own` is the address from which Jeroboam asks."""

    folder: Path
    own: str
    _at: dict[Path, int] = field(default_factory=dict)

    def begin(self) -> None:
        self._at = {log: log.stat().st_size for log in self._logs()}

    def counted(self) -> Counter[str]:
        """By service, since `begin`; as "own" those of Jeroboam itself."""
        found: Counter[str] = Counter()
        for log in self._logs():
            name = _LOGS.get(log.stem, log.stem)
            for line in self._new(log):
                call = _CALL.search(line)
                if call is None:
                    continue
                own = f"{self.own} " in line
                if _REPORT.search(call[2]):  # for which the node has asked Keystone for a token
                    found["keystone"] -= 1
                    found["own"] -= 1
                elif _LOOK.search(call[2]):  # after which answer.py looks at the stack once more
                    found["heat"] -= 1
                elif not _BENCH.search(call[2]):
                    found[name] += 1
                    found["own"] += own
        return found

    def _new(self, log: Path) -> Sequence[str]:
        with log.open("rb") as file:
            file.seek(self._at.get(log, 0))
            return file.read().decode(errors="replace").splitlines()

    def _logs(self) -> Sequence[Path]:
        return [log for log in self.folder.glob("*.log") if _LOGS.get(log.stem, log.stem) in _SERVICES]


@dataclass(frozen=True)
class Result:
    """One cluster, made and deleted."""

    what: str
    nodes: int
    made_s: float
    gone_s: float
    calls: Mapping[str, int]  # of the creation

    def row(self) -> str:
        numbers = " | ".join(str(self.calls.get(service, 0)) for service in _SERVICES)
        total = sum(self.calls.get(service, 0) for service in _SERVICES)
        own = self.calls["own"] if self.what == "Jeroboam" else "-"
        times = f"{self.made_s:.1f} s | {self.gone_s:.1f} s"
        return (
            f"| {self.what} | {self.nodes} | {times} | {numbers} | {total} | {total / (self.nodes + 1):.1f} | {own} |"
        )


@asynccontextmanager
async def stage(bed: Bed, folder: Path) -> AsyncIterator[Stage]:
    """Store, provider and driver of Jeroboam."""
    secret = Secret(bed.password.encode())
    settings = OpenStackSettings(bed.auth_url, "demo", secret, region_name=bed.region)
    provider = OpenStackProvider(KeystoneRest(settings), settings)
    store = SqlStore(f"sqlite:///{folder}/store.sqlite", Sealer(b"k" * 32), SystemClock())
    await store.start()
    await provider.start()
    limits = Limits(boot=timedelta(hours=1), coe=timedelta(minutes=5), call=timedelta(hours=1))
    yield Stage(store, provider, FakeDriver(), SystemClock(), limits)
    await provider.stop()
    await store.stop()


async def ours(bed: Bed, at: Stage, nodes: int, calls: Calls) -> Result:
    """As the conductor makes it."""
    shape = replace(builders.template().shape, image_id=IMAGE, external_network_id="public")
    project = str(bed.connect(bed.demo).current_project_id)
    cluster = builders.cluster(name=f"bench-{nodes}", project_id=project, shape=shape, create_timeout_min=0)
    groups = [replace(group, flavor_id=_FLAVOR) for group in builders.groups(cluster, workers=nodes)]
    create = builders.operation(cluster)
    async with Nodes(bed):
        calls.begin()
        began = time.monotonic()
        await builders.keep(at.store, cluster, create, groups_of=groups)
        await _well(at, create)
        made_s, counted = time.monotonic() - began, calls.counted()
    began = time.monotonic()
    await _well(at, await at.ask_delete(cluster))
    return Result("Jeroboam", nodes, made_s, time.monotonic() - began, counted)


async def magnums(magnum: Magnum, nodes: int, calls: Calls) -> Result:
    """The same, asked for at Magnum's API."""
    calls.begin()
    began = time.monotonic()
    uuid = await asyncio.to_thread(magnum.make, nodes)
    made_s, counted = time.monotonic() - began, calls.counted()
    began = time.monotonic()
    await asyncio.to_thread(magnum.remove, uuid)
    return Result("Magnum", nodes, made_s, time.monotonic() - began, counted)


async def _well(at: Stage, operation: Operation) -> None:
    done = await at.run(operation, within_s=_LIMIT_S)
    if done.state != "succeeded":
        raise RuntimeError(f"{operation.kind}: {done.error}")


async def measure(nodes: Sequence[int], *, with_magnum: bool) -> None:
    bed = Bed()
    if bed.profile() != "heat-fake":
        raise SystemExit("no bed of the profile heat-fake is up: make openstack-bed")
    suite_image(bed.connect(bed.admin))
    calls = Calls(bed.logs, bed.host)
    magnum = Magnum(bed, _FLAVOR, _LIMIT_S) if with_magnum else None
    print(f"load average before: {os.getloadavg()[0]:.1f}")
    print(f"| by | nodes | made in | gone in | {' | '.join(_SERVICES)} | calls | calls a server | its own |")
    print(f"|{'---|' * (len(_SERVICES) + 7)}", flush=True)
    with tempfile.TemporaryDirectory(prefix="jeroboam-openstack-") as folder:
        async with stage(bed, Path(folder)) as at:
            for count in nodes:
                print((await ours(bed, at, count, calls)).row(), flush=True)
                if magnum is not None:
                    print((await magnums(magnum, count, calls)).row(), flush=True)
    if magnum is not None:
        magnum.close()
    print(f"load average after: {os.getloadavg()[0]:.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, nargs="+", default=[1, 10, 100])
    parser.add_argument("--with-magnum", action="store_true")
    given = parser.parse_args()
    asyncio.run(measure(given.nodes, with_magnum=given.with_magnum))


if __name__ == "__main__":
    main()
