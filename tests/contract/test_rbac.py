"""Section 6: every rule for every role, in the own and in another project; overrides; 404 rather than 403 across projects."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from jeroboam.service import Policy
from jeroboam.service.rules import OURS, defaults

from .wire import detail

if TYPE_CHECKING:
    from tests.api.conftest import Api, Maker

AM = "rule:admin_or_project_member_deny_cluster_user"
AR = "rule:admin_or_project_reader_deny_cluster_user"
AMU = "rule:admin_or_project_member_user"
ARU = "rule:admin_or_project_reader_user"
ADMIN = "rule:context_is_admin"
RULES = {
    AM: (
        "cluster:create cluster:update cluster:delete cluster:resize cluster:upgrade clustertemplate:create "
        "clustertemplate:update clustertemplate:delete nodegroup:create nodegroup:update nodegroup:delete "
        "certificate:rotate_ca federation:create federation:update federation:delete"
    ),
    AR: (
        "cluster:get cluster:get_all cluster:detail clustertemplate:get clustertemplate:get_all clustertemplate:detail "
        "nodegroup:get nodegroup:get_all quota:get stats:get_all federation:get federation:get_all federation:detail"
    ),
    AMU: "cluster:update_health_status certificate:create",
    ARU: "certificate:get",
    ADMIN: (
        "cluster:get_one_all_projects cluster:get_all_all_projects cluster:detail_all_projects "
        "cluster:update_all_projects cluster:delete_all_projects cluster:upgrade_all_projects clustertemplate:publish "
        "clustertemplate:get_one_all_projects clustertemplate:get_all_all_projects clustertemplate:detail_all_projects "
        "clustertemplate:update_all_projects clustertemplate:delete_all_projects nodegroup:get_all_all_projects "
        "nodegroup:get_one_all_projects quota:get_all quota:create quota:update quota:delete magnum-service:get_all"
    ),
    "rule:project_member_deny_cluster_user": "credential:rotate",
}


def test_every_rule_has_magnums_name_and_default() -> None:
    kept = {rule.name: rule.check_str for rule in defaults() if ":" in rule.name and rule.name not in OURS}
    assert kept == {name: check for check, names in RULES.items() for name in names.split()}


def test_rules_of_our_own_shadow_none_of_magnums() -> None:
    assert OURS == {
        "cluster:force_delete": ADMIN,
        "cluster:heal": AM,
        "cluster:heal_all_projects": ADMIN,
        "cluster:retry": AM,
        "cluster:retry_all_projects": ADMIN,
        "operation:cancel": AM,
        "orphan:delete": ADMIN,
        "orphan:get_all": ADMIN,
    }
    assert not OURS.keys() & {name for names in RULES.values() for name in names.split()}


WHO = {
    "admin": ("root", "project-1", "admin"),
    "admin elsewhere": ("root", "elsewhere", "admin"),
    "owner": ("user-1", "project-1", "member,reader"),
    "owner, member only": ("user-1", "project-1", "member"),
    "owner, reader only": ("user-1", "project-1", "reader"),
    "owner, no role": ("user-1", "project-1", ""),
    "owner, odd role": ("user-1", "project-1", "guest"),
    "mate": ("user-2", "project-1", "member,reader"),
    "mate, reader": ("user-2", "project-1", "reader"),
    "stranger": ("user-3", "project-2", "member,reader"),
    "owner elsewhere": ("user-1", "project-2", "member,reader"),
}
EVERYBODY = list(WHO)
GROUPS = "/v1/clusters/demo/nodegroups"
REPLACE: list[Any] = [{"op": "replace", "path": "/tags", "value": "t"}]

# call -> status for each of EVERYBODY, in order
TABLE: list[tuple[str, str, Any, str]] = [
    #                                           admin adm-e owner o-mem o-rea o-non o-odd mate  m-rea stran o-els
    ("GET", "/v1/clusters", None,              "200   200   200   403   200   403   403   200   200   200   200"),
    ("GET", "/v1/clusters/detail", None,       "200   200   200   403   200   403   403   200   200   200   200"),
    ("GET", "/v1/clusters/demo", None,         "200   200   200   403   200   403   403   200   200   404   404"),
    ("PATCH", "/v1/clusters/demo", [],         "202   202   202   202   403   403   403   202   403   404   404"),
    ("DELETE", "/v1/clusters/demo", None,      "204   204   204   204   403   403   403   204   403   404   404"),
    ("POST", "/v1/clusters/demo/actions/resize", {"node_count": 3},
                                               "202   404   202   202   403   403   403   202   403   404   404"),
    ("GET", GROUPS, None,                      "200   200   200   403   200   403   403   200   200   404   404"),
    ("GET", f"{GROUPS}/default-worker", None,  "200   200   200   403   200   403   403   200   200   404   404"),
    ("POST", GROUPS, {"name": "n"},            "202   404   202   202   403   403   403   202   403   404   404"),
    ("PATCH", f"{GROUPS}/default-worker", [],  "202   404   202   202   403   403   403   202   403   404   404"),
    ("DELETE", f"{GROUPS}/nope", None,         "404   404   404   404   403   403   403   404   403   404   404"),
    ("GET", "/v1/certificates/demo", None,     "200   404   200   403   200   403   403   403   403   404   404"),
    ("POST", "/v1/certificates", {"cluster_uuid": "demo", "csr": "x"},
                                               "400   400   400   400   403   403   403   403   403   400   400"),
    ("GET", "/v1/clustertemplates", None,      "200   200   200   403   200   403   403   200   200   200   200"),
    ("GET", "/v1/clustertemplates/detail", None,
                                               "200   200   200   403   200   403   403   200   200   200   200"),
    ("GET", "/v1/clustertemplates/own", None,  "200   200   200   403   200   403   403   200   200   404   404"),
    ("GET", "/v1/clustertemplates/shared", None,
                                               "200   200   200   200   200   200   200   200   200   200   200"),
    ("POST", "/v1/clustertemplates", {"coe": "kubernetes", "image_id": "fake-image"},
                                               "201   201   201   201   403   403   403   201   403   201   201"),
    ("PATCH", "/v1/clustertemplates/own", REPLACE,
                                               "200   200   200   200   403   403   403   200   403   404   404"),
    ("DELETE", "/v1/clustertemplates/own", None,
                                               "204   204   204   204   403   403   403   204   403   404   404"),
    ("GET", "/v1/quotas/project-1/Cluster", None,
                                               "200   200   200   403   200   403   403   200   200   403   403"),
    ("GET", "/v1/quotas", None,                "200   200   403   403   403   403   403   403   403   403   403"),
    ("POST", "/v1/quotas", {"project_id": "p"},
                                               "201   201   403   403   403   403   403   403   403   403   403"),
    ("PATCH", "/v1/quotas/set/Cluster", {},    "202   202   403   403   403   403   403   403   403   403   403"),
    ("DELETE", "/v1/quotas/set/Cluster", None, "204   204   403   403   403   403   403   403   403   403   403"),
    ("GET", "/v1/stats", None,                 "200   200   200   403   200   403   403   200   200   200   200"),
    ("GET", "/v1/stats?project_id=project-1", None,
                                               "200   200   200   403   200   403   403   200   200   403   403"),
    ("GET", "/v1/mservices", None,             "200   200   403   403   403   403   403   403   403   403   403"),
    ("GET", "/v1/federations", None,           "200   200   200   403   200   403   403   200   200   200   200"),
    ("GET", "/v1/federations/x", None,         "404   404   404   403   404   403   403   404   404   404   404"),
    ("PATCH", "/v1/federations/x", [],         "404   404   404   404   403   403   403   404   403   404   404"),
    ("DELETE", "/v1/federations/x", None,      "404   404   404   404   403   403   403   404   403   404   404"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body", "statuses"), TABLE, ids=[f"{m} {p}" for m, p, _, _ in TABLE])
async def test_every_call_for_everybody(
    admin: Api, member: Api, anonymous: Api, method: str, path: str, body: Any, statuses: str
) -> None:
    await admin.template(name="shared", public=True)
    await member.template(name="own")
    assert await member.finished(await member.cluster(cluster_template_id="shared")) == "succeeded"
    expected = dict(zip(EVERYBODY, map(int, statuses.split()), strict=True))
    found = {}
    for name, who in WHO.items():
        await admin.post("/v1/quotas", {"project_id": "set"})
        await admin.delete("/v1/quotas/p/Cluster")
        if not (await admin.get("/v1/clustertemplates/own")).is_success:
            await member.template(name="own")
        sent = {"name": name} if path == GROUPS and body else body  # a group's name is taken once
        found[name] = (await anonymous.as_(*who).at("latest").call(method, path, json=sent)).status_code
    assert found == expected


@pytest.mark.parametrize(
    ("method", "path", "rule"),
    [
        ("GET", "/v1/clusters", "cluster:get_all"),
        ("GET", "/v1/clusters/detail", "cluster:detail"),
        ("GET", "/v1/clusters/demo", "cluster:get"),
        ("DELETE", "/v1/clusters/demo", "cluster:delete"),
        ("PATCH", "/v1/clusters/demo", "cluster:update"),
        ("POST", "/v1/clusters/demo/actions/resize", "cluster:resize"),
        ("GET", GROUPS, "nodegroup:get_all"),
        ("GET", f"{GROUPS}/default-worker", "nodegroup:get"),
        ("POST", GROUPS, "nodegroup:create"),
        ("PATCH", f"{GROUPS}/default-worker", "nodegroup:update"),
        ("DELETE", f"{GROUPS}/default-worker", "nodegroup:delete"),
        ("GET", "/v1/certificates/demo", "certificate:get"),
        ("POST", "/v1/certificates", "certificate:create"),
        ("PATCH", "/v1/certificates/demo", "certificate:rotate_ca"),
        ("PATCH", "/v1/credentials/demo", "credential:rotate"),
        ("GET", "/v1/clustertemplates", "clustertemplate:get_all"),
        ("GET", "/v1/clustertemplates/detail", "clustertemplate:detail"),
        ("GET", "/v1/clustertemplates/k8s", "clustertemplate:get"),
        ("POST", "/v1/clustertemplates", "clustertemplate:create"),
        ("PATCH", "/v1/clustertemplates/k8s", "clustertemplate:update"),
        ("DELETE", "/v1/clustertemplates/k8s", "clustertemplate:delete"),
        ("GET", "/v1/quotas/project-1/Cluster", "quota:get"),
        ("GET", "/v1/quotas", "quota:get_all"),
        ("POST", "/v1/quotas", "quota:create"),
        ("PATCH", "/v1/quotas/project-1/Cluster", "quota:update"),
        ("DELETE", "/v1/quotas/project-1/Cluster", "quota:delete"),
        ("GET", "/v1/stats", "stats:get_all"),
        ("GET", "/v1/mservices", "magnum-service:get_all"),
        ("GET", "/v1/federations", "federation:get_all"),
        ("POST", "/v1/federations", "federation:create"),
    ],
)
@pytest.mark.usefixtures("demo")
async def test_a_refusal_names_its_rule(anonymous: Api, method: str, path: str, rule: str) -> None:
    bodies: dict[str, Any] = {
        "/v1/clusters/demo/actions/resize": {"node_count": 3},
        GROUPS: {"name": "n"},
        "/v1/certificates": {"cluster_uuid": "demo", "csr": "x"},
        "/v1/clustertemplates": {"coe": "kubernetes", "image_id": "fake-image"},
        "/v1/quotas": {"project_id": "p"},
        "/v1/quotas/project-1/Cluster": {"hard_limit": 2},
        "/v1/federations": {"hostcluster_id": "demo", "properties": {"dns-zone": "x"}},
    }
    body = bodies.get(path, [] if method == "PATCH" else None)
    answer = await anonymous.as_("user-1", roles="").at("latest").call(method, path, json=body)
    assert (answer.status_code, detail(answer)) == (403, f"Policy doesn't allow {rule} to be performed.")


# ---- an operator's own rules


@pytest.fixture
def ruled(make: Maker, tmp_path: Path) -> Any:
    """Builds an Api with a policy file."""

    def build(text: str) -> Api:
        file = tmp_path / "policy.yaml"
        file.write_text(text)
        return make(policy=Policy(file))

    return build


@pytest.mark.parametrize(
    ("override", "who", "method", "path", "status"),
    [
        ('"cluster:get_all": "role:guest"', "owner, odd role", "GET", "/v1/clusters", 200),
        ('"cluster:get_all": "role:guest"', "owner", "GET", "/v1/clusters", 403),
        ('"cluster:get_all": "!"', "admin", "GET", "/v1/clusters", 403),
        ('"cluster:get_all_all_projects": "!"', "admin", "GET", "/v1/clusters", 403),
        ('"cluster:detail_all_projects": "!"', "admin", "GET", "/v1/clusters/detail", 403),
        ('"cluster:get_one_all_projects": "!"', "admin", "GET", "/v1/clusters/demo", 403),
        ('"cluster:update_all_projects": "!"', "admin", "PATCH", "/v1/clusters/demo", 403),
        ('"cluster:delete_all_projects": "!"', "admin", "DELETE", "/v1/clusters/demo", 403),
        ('"clustertemplate:get_one_all_projects": "!"', "admin", "GET", "/v1/clustertemplates/k8s", 403),
        ('"clustertemplate:get_all_all_projects": "!"', "admin", "GET", "/v1/clustertemplates", 403),
        ('"clustertemplate:detail_all_projects": "!"', "admin", "GET", "/v1/clustertemplates/detail", 403),
        ('"clustertemplate:update_all_projects": "!"', "admin", "PATCH", "/v1/clustertemplates/k8s", 403),
        ('"clustertemplate:delete_all_projects": "!"', "admin", "DELETE", "/v1/clustertemplates/k8s", 403),
        ('"nodegroup:get_all_all_projects": "!"', "admin", "GET", GROUPS, 403),
        ('"nodegroup:get_one_all_projects": "!"', "admin", "GET", f"{GROUPS}/default-worker", 403),
        ('"certificate:get": "role:reader"', "mate", "GET", "/v1/certificates/demo", 200),
        ('"certificate:get": "rule:admin_or_owner"', "owner, no role", "GET", "/v1/certificates/demo", 200),
        ('"context_is_admin": "role:reader"', "stranger", "GET", "/v1/clusters/demo", 200),
        ('"magnum-service:get_all": "@"', "owner, no role", "GET", "/v1/mservices", 200),
        ('"cluster:update_health_status": "!"', "owner", "PATCH", "/v1/clusters/demo", 403),
    ],
)
async def test_overrides(ruled: Any, override: str, who: str, method: str, path: str, status: int) -> None:
    anonymous = ruled(override)
    member = anonymous.as_("user-1")
    assert await member.finished(await member.cluster()) == "succeeded"
    body: list[Any] | None = [] if method == "PATCH" else None
    answer = await anonymous.as_(*WHO[who]).at("latest").call(method, path, json=body)
    assert answer.status_code == status


GUARDED: dict[str, tuple[str, str, Any, int]] = {  # rule -> a call that asks it, and its status where it is open
    "cluster:create": ("POST", "/v1/clusters", {"cluster_template_id": "k8s"}, 202),
    "cluster:get": ("GET", "/v1/clusters/demo", None, 200),
    "cluster:get_all": ("GET", "/v1/clusters", None, 200),
    "cluster:detail": ("GET", "/v1/clusters/detail", None, 200),
    "cluster:update": ("PATCH", "/v1/clusters/demo", [], 202),
    "cluster:update_health_status": ("PATCH", "/v1/clusters/demo", [], 202),
    "cluster:delete": ("DELETE", "/v1/clusters/demo", None, 204),
    "cluster:resize": ("POST", "/v1/clusters/demo/actions/resize", {"node_count": 3}, 202),
    "cluster:upgrade": ("POST", "/v1/clusters/demo/actions/upgrade", {"cluster_template": "k8s"}, 202),
    "clustertemplate:create": ("POST", "/v1/clustertemplates", {"coe": "kubernetes", "image_id": "fake-image"}, 201),
    "clustertemplate:get": ("GET", "/v1/clustertemplates/k8s", None, 200),
    "clustertemplate:get_all": ("GET", "/v1/clustertemplates", None, 200),
    "clustertemplate:detail": ("GET", "/v1/clustertemplates/detail", None, 200),
    "clustertemplate:update": ("PATCH", "/v1/clustertemplates/k8s", REPLACE, 200),
    "clustertemplate:delete": ("DELETE", "/v1/clustertemplates/free", None, 204),
    "nodegroup:get": ("GET", f"{GROUPS}/default-worker", None, 200),
    "nodegroup:get_all": ("GET", GROUPS, None, 200),
    "nodegroup:create": ("POST", GROUPS, {"name": "n"}, 202),
    "nodegroup:update": ("PATCH", f"{GROUPS}/default-worker", [], 202),
    "nodegroup:delete": ("DELETE", f"{GROUPS}/nope", None, 404),
    "certificate:get": ("GET", "/v1/certificates/demo", None, 200),
    "certificate:create": ("POST", "/v1/certificates", {"cluster_uuid": "demo", "csr": "x"}, 400),
    "certificate:rotate_ca": ("PATCH", "/v1/certificates/demo", None, 202),
    "credential:rotate": ("PATCH", "/v1/credentials/demo", None, 202),
    "quota:get": ("GET", "/v1/quotas/project-1/Cluster", None, 200),
    "quota:get_all": ("GET", "/v1/quotas", None, 200),
    "quota:create": ("POST", "/v1/quotas", {"project_id": "p"}, 201),
    "quota:update": ("PATCH", "/v1/quotas/project-1/Cluster", {}, 404),
    "quota:delete": ("DELETE", "/v1/quotas/project-1/Cluster", None, 404),
    "stats:get_all": ("GET", "/v1/stats", None, 200),
    "magnum-service:get_all": ("GET", "/v1/mservices", None, 200),
    "federation:get": ("GET", "/v1/federations/x", None, 404),
    "federation:get_all": ("GET", "/v1/federations", None, 200),
    "federation:detail": ("GET", "/v1/federations/detail", None, 200),
    "federation:create": ("POST", "/v1/federations", {"hostcluster_id": "demo", "properties": {"dns-zone": "x"}}, 202),
    "federation:update": ("PATCH", "/v1/federations/x", [], 404),
    "federation:delete": ("DELETE", "/v1/federations/x", None, 404),
}
ACROSS = {
    "cluster:get_one_all_projects": GUARDED["cluster:get"],
    "cluster:get_all_all_projects": GUARDED["cluster:get_all"],
    "cluster:detail_all_projects": GUARDED["cluster:detail"],
    "cluster:update_all_projects": GUARDED["cluster:update"],
    "cluster:delete_all_projects": GUARDED["cluster:delete"],
    "cluster:upgrade_all_projects": GUARDED["cluster:upgrade"],
    "clustertemplate:get_one_all_projects": GUARDED["clustertemplate:get"],
    "clustertemplate:get_all_all_projects": GUARDED["clustertemplate:get_all"],
    "clustertemplate:detail_all_projects": GUARDED["clustertemplate:detail"],
    "clustertemplate:update_all_projects": GUARDED["clustertemplate:update"],
    "clustertemplate:delete_all_projects": GUARDED["clustertemplate:delete"],
    "nodegroup:get_all_all_projects": GUARDED["nodegroup:get_all"],
    "nodegroup:get_one_all_projects": GUARDED["nodegroup:get"],
}


def test_no_rule_is_left_out() -> None:
    assert {*GUARDED, *ACROSS, "clustertemplate:publish"} == {
        name for names in RULES.values() for name in names.split()
    }


@pytest.fixture
async def ruled_demo(make: Maker, ruled: Any) -> Any:
    """The same over a store in which the owner has a finished cluster "demo" and a free template."""
    member = make().as_("user-1")
    await member.template(name="free")
    assert await member.finished(await member.cluster()) == "succeeded"
    return ruled


@pytest.mark.parametrize("rule", [*GUARDED, *ACROSS])
async def test_every_rule_can_be_closed_to_everybody(ruled_demo: Any, rule: str) -> None:
    everything = ruled_demo(f'"{rule}": "!"').as_("user-1", roles="admin,member,reader").at("latest")
    method, path, body, _ = (GUARDED | ACROSS)[rule]
    answer = await everything.call(method, path, json=body)
    assert (answer.status_code, detail(answer)) == (403, f"Policy doesn't allow {rule} to be performed.")


@pytest.mark.parametrize("rule", GUARDED)
async def test_every_rule_can_be_opened_to_someone_without_a_role(ruled_demo: Any, rule: str) -> None:
    rules = {"cluster:update", "cluster:update_health_status"} if rule.startswith("cluster:update") else {rule}
    nobody = ruled_demo("\n".join(f'"{one}": "@"' for one in rules)).as_("user-9", roles="").at("latest")
    method, path, body, status = GUARDED[rule]
    answer = await nobody.call(method, path, json=body)
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize("rule", ACROSS)
async def test_a_rule_for_all_projects_that_is_open_makes_no_administrators(ruled_demo: Any, rule: str) -> None:
    stranger = ruled_demo(f'"{rule}": "@"').as_("user-3", "project-2").at("latest")
    method, path, body, _ = ACROSS[rule]
    answer = await stranger.call(method, path, json=body)
    if answer.status_code == 200:
        assert list(answer.json().values()) == [[]]
    else:
        assert answer.status_code == 404


@pytest.mark.parametrize(
    ("rule", "allowed"),
    [
        ("is_admin:True", {"boss"}),
        ("rule:admin_or_owner", {"boss", "guest", "admin"}),
        ("rule:admin_or_user", {"boss", "guest", "admin"}),
        ("user_name:Ann", {"guest"}),
        ("project_name:web", {"guest"}),
        ("user_domain_id:d-1 and domain_id:d-1", {"guest"}),
        ("role:GUEST", {"guest"}),
        ("not role:guest", {"boss", "admin"}),
    ],
)
async def test_what_rules_may_ask_of_the_caller(ruled: Any, rule: str, allowed: set[str]) -> None:
    """Here administrators are those with the role boss."""
    anonymous = ruled(f'"context_is_admin": "role:boss"\n"stats:get_all": "{rule}"')
    named = {"X-User-Name": "Ann", "X-Project-Name": "web", "X-User-Domain-Id": "d-1"}
    who = {
        "boss": anonymous.as_("user-1", roles="boss"),
        "admin": anonymous.as_("user-2", roles="admin"),
        "guest": anonymous.as_("user-3", roles="Guest", **named),
    }
    found = {name for name, caller in who.items() if (await caller.get("/v1/stats")).status_code == 200}
    assert found == allowed


async def test_publishing_may_be_opened(ruled: Any) -> None:
    anonymous = ruled('"clustertemplate:publish": "role:member"')
    assert await anonymous.as_("user-1").template(public=True)


# ---- lists across projects


async def test_administrators_span_all_projects_and_nobody_else_does(
    admin: Api, member: Api, anonymous: Api, demo: str
) -> None:
    stranger = anonymous.as_("user-3", "project-2")
    theirs = await stranger.cluster(name="theirs", cluster_template_id=await stranger.template(name="t2"))
    for path in ("/v1/clusters", "/v1/clusters/detail"):
        for caller, seen in ((admin, [demo, theirs]), (member, [demo]), (stranger, [theirs])):
            assert [one["uuid"] for one in (await caller.get(path)).json()["clusters"]] == seen
    answer = await admin.get(f"/v1/clusters?limit=1&marker={demo}")
    assert [one["uuid"] for one in answer.json()["clusters"]] == [theirs]
    answer = await member.get(f"/v1/clusters?marker={theirs}")
    assert (answer.status_code, detail(answer)) == (404, f"Cluster {theirs} could not be found.")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/clusters/{}", None),
        ("PATCH", "/v1/clusters/{}", []),
        ("DELETE", "/v1/clusters/{}", None),
        ("POST", "/v1/clusters/{}/actions/resize", {"node_count": 1}),
        ("POST", "/v1/clusters/{}/actions/upgrade", {"cluster_template": "k8s"}),
        ("GET", "/v1/clusters/{}/nodegroups", None),
        ("POST", "/v1/clusters/{}/nodegroups", {"name": "n"}),
        ("GET", "/v1/certificates/{}", None),
        ("PATCH", "/v1/certificates/{}", None),
        ("PATCH", "/v1/credentials/{}", None),
    ],
)
@pytest.mark.parametrize("by", ["uuid", "name"])
async def test_anothers_cluster_is_not_there(
    anonymous: Api, demo: str, by: str, method: str, path: str, body: Any
) -> None:
    ident = demo if by == "uuid" else "demo"
    for roles in ("member,reader", "reader", "member", ""):
        stranger = anonymous.as_("user-3", "project-2", roles).at("latest")
        answer = await stranger.call(method, path.format(ident), json=body)
        if "nodegroups" in path and answer.status_code == 403:  # its target is the caller, so roles are asked first
            assert roles != "member,reader"
            continue
        assert (answer.status_code, detail(answer)) == (404, f"Cluster {ident} could not be found.")
