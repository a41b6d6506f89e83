"""Entry points: which are loaded, and what becomes of broken, unknown and quarrelling ones."""

from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import EntryPoint

import pytest

from jeroboam import plugins
from jeroboam.contracts import Driver
from jeroboam.domain.errors import ConfigError
from jeroboam.drivers.fake import FakeDriver
from jeroboam.plugins import Installed

HERE = __name__
NOTHING: Mapping[str, Mapping[str, str]] = {}


class Plugin:
    def __init__(self, coe: str) -> None:
        self.name = coe
        self._coe = coe

    def create(self, settings: Mapping[str, str]) -> Driver:
        return FakeDriver(coe=self._coe)


swarm = Plugin("swarm")
lxd = Plugin("lxd")
rival = Plugin("swarm")
nothing = object()


def entries(group: str = plugins.DRIVERS, **values: str) -> dict[str, EntryPoint]:
    return {name: EntryPoint(name, value, group) for name, value in values.items()}


def drivers(**values: str) -> Installed:
    return Installed(entries(**values), {})


REAL = {"swarm": f"{HERE}:swarm", "lxd": f"{HERE}:lxd", "fake": "jeroboam.drivers.fake:plugin"}


def test_what_this_package_brings_is_installed() -> None:
    found = plugins.installed()
    assert {"fake", "kubernetes"} <= set(found.drivers)
    assert {"fake", "docker"} <= set(found.providers)
    assert {"fake", "docker", "fake_driver", "kubernetes_driver"} <= found.settings_groups


@pytest.mark.parametrize(
    ("provider", "enabled", "disabled", "loaded"),
    [
        ("docker", (), (), ["lxd", "swarm"]),
        ("docker", (), ("lxd",), ["swarm"]),
        ("docker", ("fake",), (), ["fake"]),
        ("fake", (), (), ["fake"]),
        ("fake", ("swarm", "lxd"), ("lxd",), ["swarm"]),
    ],
)
def test_which_drivers_are_loaded(
    provider: str, enabled: tuple[str, ...], disabled: tuple[str, ...], loaded: list[str]
) -> None:
    found = plugins.load_drivers(
        drivers(**REAL), provider=provider, enabled=enabled, disabled=disabled, settings=NOTHING
    )
    assert sorted(found.loaded) == loaded
    assert found.broken == {}


def test_a_broken_driver_is_recorded_with_the_reason_and_stops_nobody_else() -> None:
    found = plugins.load_drivers(
        drivers(swarm=f"{HERE}:swarm", gone="no_such_module:plugin", odd=f"{HERE}:nothing"),
        provider="docker",
        settings=NOTHING,
    )
    assert sorted(found.loaded) == ["swarm"]
    assert found.broken == {
        "gone": "ModuleNotFoundError: No module named 'no_such_module'",
        "odd": f"{HERE}:nothing has no method `create`",
    }


def test_a_broken_driver_that_was_chosen_stops_the_start() -> None:
    with pytest.raises(ConfigError) as caught:
        plugins.load_drivers(
            drivers(gone="no_such_module:plugin"), provider="docker", enabled=["gone"], settings=NOTHING
        )
    assert caught.value.message == (
        "The driver gone cannot be loaded: ModuleNotFoundError: No module named 'no_such_module'."
    )


def test_no_driver_at_all_stops_the_start() -> None:
    with pytest.raises(
        ConfigError, match=r"^No driver can be loaded: gone: ModuleNotFoundError: No module named 'no_such"
    ):
        plugins.load_drivers(drivers(gone="no_such_module:plugin"), provider="docker", settings=NOTHING)
    with pytest.raises(ConfigError, match=r"^No driver is left to load\.$"):
        plugins.load_drivers(drivers(**REAL), provider="fake", disabled=["fake"], settings=NOTHING)


def test_two_drivers_that_claim_the_same_stop_the_start_with_both_names() -> None:
    with pytest.raises(ConfigError) as caught:
        plugins.load_drivers(drivers(other=f"{HERE}:rival", **REAL), provider="docker", settings=NOTHING)
    assert caught.value.message == "The drivers other and swarm both claim (bm, debian, swarm)."
    assert caught.value.hint == "Set [drivers] disabled_drivers = other or swarm."


def test_an_unknown_name_is_told_with_the_nearest() -> None:
    with pytest.raises(ConfigError) as caught:
        plugins.load_drivers(drivers(**REAL), provider="docker", disabled=["swram"], settings=NOTHING)
    assert caught.value.message == "[drivers] disabled_drivers: swram is not installed."
    assert caught.value.hint == "Installed are: fake, lxd, swarm. Did you mean swarm?"


def test_a_provider_that_is_absent_or_broken_stops_the_start() -> None:
    found = Installed({}, entries(plugins.PROVIDERS, gone="no_such_module:plugin"))
    with pytest.raises(ConfigError, match=r"^\[provider\] default: docker is not installed\.$"):
        plugins.load_provider(found, "docker", NOTHING)
    with pytest.raises(ConfigError, match=r"^The provider gone cannot be loaded: ModuleNotFoundError: "):
        plugins.load_provider(found, "gone", NOTHING)


def test_two_plugins_of_one_name_stop_the_start_with_both_places() -> None:
    [second] = entries(plugins.PROVIDERS, fake="elsewhere:plugin").values()
    found = replace(plugins.installed(), doubled=[second])
    places = (
        "jeroboam (jeroboam.providers.fake:plugin) and elsewhere:plugin both bring it: uninstall one of the packages"
    )
    for load in (
        lambda: plugins.load_provider(found, "docker", NOTHING),
        lambda: plugins.load_drivers(found, provider="docker", settings=NOTHING),
    ):
        with pytest.raises(ConfigError) as caught:
            load()
        assert caught.value.message == f"Two plug-ins of jeroboam.providers are named fake: {places}."


def test_settings_reach_a_plugin_under_its_own_name() -> None:
    found = plugins.load_drivers(
        drivers(fake="jeroboam.drivers.fake:plugin"),
        provider="fake",
        settings={"fake_driver": {"coe": "lxd"}, "fake": {"boot_s": "3"}},
    )
    assert found.loaded["fake"].capabilities.coe == "lxd"
    provider = plugins.load_provider(plugins.installed(), "fake", {"fake": {"boot_s": "0"}})
    assert provider.name == "fake"
    with pytest.raises(ConfigError, match=r"^\[fake\] boot_s = -1 is negative\.$"):
        plugins.load_provider(plugins.installed(), "fake", {"fake": {"boot_s": "-1"}})
