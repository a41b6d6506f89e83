"""Magnum's rules with Magnum's defaults: every rule, every kind of caller."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from jeroboam.contracts import Caller
from jeroboam.domain.errors import ConfigError, Forbidden
from jeroboam.service import Policy, Target

OWN = Target("p", "me")
MATE = Target("p", "mate")
FOREIGN = Target("q", "me")
CALLERS = {
    "admin": Caller("me", "adm", frozenset({"admin"})),
    "member": Caller("me", "p", frozenset({"member"})),
    "reader": Caller("me", "p", frozenset({"reader"})),
    "nobody": Caller("me", "p", frozenset()),
}
# rule groups: who may on something of his own, of a project mate, of another project
AM = {"own": {"admin", "member"}, "mate": {"admin", "member"}, "foreign": {"admin"}}
AR = {"own": {"admin", "reader"}, "mate": {"admin", "reader"}, "foreign": {"admin"}}
AMU = {"own": {"admin", "member"}, "mate": {"admin"}, "foreign": {"admin"}}
ARU = {"own": {"admin", "reader"}, "mate": {"admin"}, "foreign": {"admin"}}
M = {"own": {"member"}, "mate": {"member"}, "foreign": set[str]()}
ADMIN = {"own": {"admin"}, "mate": {"admin"}, "foreign": {"admin"}}
RULES = {
    "cluster:create": AM, "cluster:update": AM, "cluster:delete": AM, "cluster:resize": AM, "cluster:upgrade": AM,
    "cluster:get": AR, "cluster:get_all": AR, "cluster:detail": AR,
    "cluster:update_health_status": AMU,
    "cluster:get_one_all_projects": ADMIN, "cluster:get_all_all_projects": ADMIN, "cluster:detail_all_projects": ADMIN,
    "cluster:update_all_projects": ADMIN, "cluster:delete_all_projects": ADMIN, "cluster:upgrade_all_projects": ADMIN,
    "clustertemplate:create": AM, "clustertemplate:update": AM, "clustertemplate:delete": AM,
    "clustertemplate:get": AR, "clustertemplate:get_all": AR, "clustertemplate:detail": AR,
    "clustertemplate:publish": ADMIN,
    "clustertemplate:get_one_all_projects": ADMIN, "clustertemplate:get_all_all_projects": ADMIN,
    "clustertemplate:detail_all_projects": ADMIN, "clustertemplate:update_all_projects": ADMIN,
    "clustertemplate:delete_all_projects": ADMIN,
    "nodegroup:get": AR, "nodegroup:get_all": AR,
    "nodegroup:create": AM, "nodegroup:update": AM, "nodegroup:delete": AM,
    "nodegroup:get_all_all_projects": ADMIN, "nodegroup:get_one_all_projects": ADMIN,
    "certificate:get": ARU, "certificate:create": AMU, "certificate:rotate_ca": AM,
    "credential:rotate": M,
    "quota:get": AR, "quota:get_all": ADMIN, "quota:create": ADMIN, "quota:update": ADMIN, "quota:delete": ADMIN,
    "stats:get_all": AR, "magnum-service:get_all": ADMIN,
    "federation:get": AR, "federation:get_all": AR, "federation:detail": AR,
    "federation:create": AM, "federation:update": AM, "federation:delete": AM,
}  # fmt: skip


@pytest.fixture(scope="module")
def rules() -> Policy:
    return Policy()


@pytest.mark.parametrize("rule", RULES)
def test_who_may_what(rules: Policy, rule: str) -> None:
    allowed = {
        where: {name for name, caller in CALLERS.items() if rules.allows(rule, caller, target)}
        for where, target in (("own", OWN), ("mate", MATE), ("foreign", FOREIGN))
    }
    assert allowed == RULES[rule]


def test_without_a_target_the_caller_is_his_own(rules: Policy) -> None:
    assert rules.allows("cluster:create", CALLERS["member"])
    with pytest.raises(Forbidden, match="Policy doesn't allow cluster:create to be performed"):
        rules.require("cluster:create", CALLERS["reader"])


def test_an_unknown_rule_allows_nobody(rules: Policy) -> None:
    assert not rules.allows("cluster:dance", CALLERS["admin"])


def test_a_file_overrides_and_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text('"cluster:create": "role:reader"\n"context_is_admin": "role:boss"\n')
    rules = Policy(file)
    boss = Caller("b", "x", frozenset({"boss"}))
    assert rules.allows("cluster:create", CALLERS["reader"])
    assert not rules.allows("cluster:create", CALLERS["member"])
    assert (rules.is_admin(boss), rules.is_admin(CALLERS["admin"])) == (True, False)
    assert rules.ranked(boss).roles == {"boss", "admin"}
    assert rules.ranked(CALLERS["admin"]).roles == frozenset()
    now = time.monotonic()
    file.write_text('"cluster:create": "role:member"\n')
    monkeypatch.setattr(time, "monotonic", lambda: now + 2)
    assert rules.allows("cluster:create", CALLERS["member"])
    file.write_text("[broken")
    monkeypatch.setattr(time, "monotonic", lambda: now + 4)
    assert rules.allows("cluster:create", CALLERS["member"])


@pytest.mark.parametrize("text", ["[1, 2]", "a: [", '"cluster:create": "rule:nope"'])
def test_a_wrong_file_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=r"\[oslo_policy\] policy_file"):
        Policy(file)


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        Policy(tmp_path / "policy.yaml")
