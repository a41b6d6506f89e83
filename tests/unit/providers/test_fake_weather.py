"""The fake cloud as a real one: how long calls take, how often they fail, and what is lost."""

import asyncio
import random
from pathlib import Path

import pytest

from jeroboam.contracts import MachineRebuilder, MachineSpec, NetworkSpec, NodeConfig
from jeroboam.domain import Role
from jeroboam.domain.errors import ConfigError, ProviderRefused, ProviderUnavailable
from jeroboam.providers.fake import Cloud, FakeProvider, Spread, Weather, plugin
from jeroboam.providers.fake.books import Books, FakeMachine
from jeroboam.testing import builders


def machine(name: str, number: int, made_at: float = 0.0) -> FakeMachine:
    return FakeMachine(name, "c", "g", "worker", number, "10.0.0.11", made_at, id=f"id-{number}")


@pytest.mark.parametrize(
    ("text", "low", "high", "mean"), [("2", 2, 2, 2), ("5..60", 5, 60, 32.5), ("exp:20", 0, 400, 20)]
)
def test_latencies_are_spread_as_they_say(text: str, low: float, high: float, mean: float) -> None:
    chance, spread = random.Random(7), Spread.parse(text)
    drawn = [spread.draw(chance) for _ in range(4000)]
    assert low <= min(drawn) <= max(drawn) <= high
    assert sum(drawn) / len(drawn) == pytest.approx(mean, rel=0.05)


async def test_so_many_calls_fail_and_would_pass_again() -> None:
    weather = Weather(error_rate=0.25, chance=random.Random(7))
    ends = await asyncio.gather(*(weather.meet("ensure_machine") for _ in range(1000)), return_exceptions=True)
    failed = [end for end in ends if isinstance(end, ProviderUnavailable)]
    assert 200 < len(failed) < 300
    assert {error.message for error in failed} == {"The fake cloud failed at ensure_machine, as its settings say."}


@pytest.mark.parametrize(("at", "away"), [(0.0, True), (4.9, True), (5.0, False), (59.0, False), (61.0, True)])
async def test_the_cloud_is_away_at_the_same_times_for_everybody(at: float, away: bool) -> None:
    weather = Weather(away_s=5, away_every_s=60, clock=lambda: at)
    if not away:
        await weather.meet("list_machines")
        return
    with pytest.raises(ProviderUnavailable, match="cannot be reached"):
        await weather.meet("list_machines")


def test_machines_are_lost_after_a_while_that_every_process_sees_alike() -> None:
    now = [0.0]
    one, other = (Weather(machine_life_s=100, clock=lambda: now[0]) for _ in range(2))
    machines = [machine(f"m-{number}", number) for number in range(1000)]
    assert not any(map(one.lost, machines))
    now[0] = 100.0
    lost = [one.lost(each) for each in machines]
    assert 580 < sum(lost) < 680  # 1 - 1/e of them
    assert [other.lost(each) for each in machines] == lost


async def test_beyond_the_quota_nothing_is_made() -> None:
    provider = FakeProvider(Cloud(), weather=Weather(machine_quota=2))
    cluster = builders.cluster()
    specs = [
        MachineSpec(cluster.uuid, f"w-{n}", "g", Role.WORKER, n, "fake-image", None, cluster.project_id)
        for n in range(3)
    ]
    [problem] = [p for p in await provider.preflight(cluster, specs) if p.field == "node_count"]
    assert problem.message == "3 machines are wanted, and the quota leaves room for 2."
    network = await provider.ensure_network(cluster, NetworkSpec(6443))
    endpoint = await provider.ensure_endpoint(cluster, network, NetworkSpec(6443))
    for spec in specs[:2]:
        await provider.ensure_machine(spec, network, endpoint, NodeConfig(spec.name))
    with pytest.raises(ProviderRefused, match="The quota of 2 machines is used up"):
        await provider.ensure_machine(specs[2], network, endpoint, NodeConfig("w-2"))
    assert len(await provider.list_machines(cluster.uuid)) == 2


def test_two_processes_see_one_cloud(tmp_path: Path) -> None:
    one, other = Books(tmp_path / "cloud"), Books(tmp_path / "cloud")
    assert one.port("a") == 20000
    assert other.port("b") == 20001
    assert other.port("a") == 20000
    made = one.add("w-0", "a", lambda _, number: machine("w-0", number))
    assert other.add("w-0", "a", lambda _, number: machine("other", number)) == made
    other.remove("w-0")
    assert one.machines("a") == []
    assert one.add("w-1", "a", lambda _, number: machine("w-1", number)).id == "id-2"  # an id is not given twice
    one.remove_all("a")
    assert other.port("c") == 20002
    assert (tmp_path / "cloud").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("latency_s", "soon", r"\[fake\] latency_s = soon is no number of seconds\."),
        ("latency_s", "nan", r"\[fake\] latency_s = nan is no number of seconds\."),
        ("latency_s", "exp:inf", r"\[fake\] latency_s = exp:inf is no number of seconds\."),
        ("latency_s", "exp:0", r"\[fake\] latency_s = exp:0 is no number of seconds\."),
        ("boot_s", "nan", r"\[fake\] boot_s = nan is no number of seconds\."),
        ("latency_s", "60..5", r"\[fake\] latency_s = 60\.\.5 is no number of seconds\."),
        ("latency_s", "boot=5", r"\[fake\] latency_s names the call boot\."),
        ("error_rate", "2", r"\[fake\] error_rate = 2 is no number from 0 to 1\."),
        ("machine_quota", "-1", r"\[fake\] machine_quota = -1 is no whole number from 0\."),
        ("away_s", "60", r"\[fake\] away_s = 60 is not less than away_every_s = 60\."),
        ("machine_life_s", "-1", r"\[fake\] machine_life_s = -1 is negative\."),
    ],
)
def test_settings_that_mean_nothing_are_named(name: str, value: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        plugin.create({name: value})


async def test_a_machine_that_is_unmade_takes_a_time_of_its_own() -> None:
    provider = plugin.create({"latency_s": "unmake_machine=0.05"})
    assert isinstance(provider, MachineRebuilder)
    began = asyncio.get_running_loop().time()
    await provider.unmake_machine("c", "w-0")
    assert asyncio.get_running_loop().time() - began >= 0.05
