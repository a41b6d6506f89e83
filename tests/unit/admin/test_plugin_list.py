"""`jeroboam plugins`: what is installed, whose it is, what it can, and why one cannot be used."""

import json
from collections.abc import Mapping
from importlib.metadata import EntryPoint, version

import pytest

from jeroboam import config, plugins
from jeroboam.admin.plugin_list import Found, survey
from jeroboam.contracts import Driver
from jeroboam.domain.errors import ConfigError
from jeroboam.drivers.fake import FakeDriver
from jeroboam.entry import build_app


class Rival:
    """A plug-in that serves Swarm clusters, as our own does."""

    name = "rival"

    def create(self, settings: Mapping[str, str]) -> Driver:
        if settings:
            raise ConfigError(f"[rival_driver] {min(settings)} is not an option.")
        return FakeDriver(coe="swarm")


class Careless(Rival):
    def create(self, settings: Mapping[str, str]) -> Driver:
        raise KeyError("size")


rival, careless = Rival(), Careless()


def found(environ: Mapping[str, str] | None = None, **drivers: str) -> dict[tuple[str, str], Found]:
    """The survey of our own plug-ins and these drivers, by kind and name."""
    own = plugins.installed()
    entries = {name: EntryPoint(name, value, plugins.DRIVERS) for name, value in drivers.items()}
    all_ = plugins.Installed({**own.drivers, **entries}, own.providers)
    read = config.read(None, environ or {}, plugin_groups=all_.settings_groups)
    return {(one.kind, one.name): one for one in survey(all_, read)}


def test_what_this_package_brings_can_be_used_and_says_what_it_can() -> None:
    seen = found()
    here = ("jeroboam", version("jeroboam"))
    swarm = seen["driver", "swarm"]
    assert (swarm.package, swarm.version, swarm.used, swarm.problem) == (*here, True, "")
    assert swarm.abilities["coe"] == ["swarm"]
    assert swarm.abilities["control_planes"] == ["1", "3", "5"]
    assert {"resize", "node_marks"} <= set(swarm.abilities["does"])
    assert not seen["driver", "fake"].used
    assert seen["provider", "docker"].abilities == {"server_types": ["container", "vm"]}
    assert (seen["provider", "docker"].used, seen["provider", "fake"].used) == (True, False)
    assert {name for kind, name in seen if kind == "identity"} == {"basic", "keystone", "none", "trusted_headers"}
    assert {name for kind, name in seen if kind == "notifier"} == {"log", "messaging", "webhook"}
    assert [one.name for one in seen.values() if one.kind == "identity" and one.used] == ["none"]


def test_a_broken_one_says_why_and_hides_no_other() -> None:
    seen = found(gone="no_such_module:plugin", careless=f"{__name__}:careless")
    assert seen["driver", "gone"].problem == "ModuleNotFoundError: No module named 'no_such_module'"
    assert seen["driver", "gone"].abilities == {}
    assert seen["driver", "careless"].problem == "KeyError: 'size'"
    assert seen["driver", "lxd"].problem == ""


def test_two_that_claim_the_same_say_so_unless_one_is_switched_off() -> None:
    ours = f"{__name__}:rival"
    seen = found(rival=ours)
    assert seen["driver", "rival"].problem.startswith("claims (")
    assert seen["driver", "rival"].problem.endswith(", swarm), as swarm does: set [drivers] disabled_drivers")
    assert seen["driver", "swarm"].problem.endswith(", swarm), as rival does: set [drivers] disabled_drivers")
    seen = found({"JEROBOAM_DRIVERS__DISABLED_DRIVERS": "swarm"}, rival=ours)
    assert (seen["driver", "rival"].problem, seen["driver", "swarm"].used) == ("", False)


def test_settings_that_a_plugin_refuses_are_its_problem() -> None:
    seen = found({"JEROBOAM_RIVAL_DRIVER__SIZE": "3"}, rival=f"{__name__}:rival")
    assert seen["driver", "rival"].problem == "[rival_driver] size is not an option."


def test_an_identity_whose_package_is_absent_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jeroboam.admin.plugin_list.find_spec", lambda name: None)
    seen = found()
    assert seen["identity", "keystone"].problem == "needs keystonemiddleware: pip install 'jeroboam[openstack]'"
    assert seen["notifier", "messaging"].problem == "needs oslo_messaging: pip install 'jeroboam[openstack]'"
    assert seen["identity", "basic"].problem == ""


def test_the_command_prints_a_table_or_json(capsys: pytest.CaptureFixture[str]) -> None:
    def call(*argv: str) -> str:
        with pytest.raises(SystemExit) as ended:
            build_app()(["plugins", *argv])
        assert ended.value.code in (0, None)
        return capsys.readouterr().out

    shown = json.loads(call("--json"))
    assert {"kind", "name", "package", "version", "used", "abilities", "problem"} == set(shown[0])
    [line] = [line for line in call().splitlines() if line.split()[:2] == ["driver", "kubernetes"]]
    assert "coe kubernetes; server_types bm, container, vm; os_distros debian; control_planes 1" in line
