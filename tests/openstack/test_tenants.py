"""Two tenants of one cloud, each with a cluster: neither sees, signs, changes, deletes or reaches what is the other's."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.clients.coe import Coe, Shell
from tests.e2e.world import Cluster, Service, until

from jeroboam.api import ext, v1

from .clusters import MADE_S, ask, delete, kubernetes, settled, template
from .packets import address_of, answers, pod_on
from .testbed import Account, Bed

pytestmark = [pytest.mark.openstack, pytest.mark.timeout(3600)]
# Apart from the first tenant's, so that an address says whose it is.
_APART = "fixed_subnet_cidr=10.40.0.0/24,flannel_network_cidr=10.140.0.0/16"
# What names something of a tenant's in the path of a request.
_OWNED = ("/clusters/{", "/clustertemplates/{", "/certificates/{", "/credentials/{", "/operations/{")


@dataclass(frozen=True)
class Tenant:
    """One that has a cluster, named as itself."""

    coe: Coe
    api: Any  # openstacksdk, logged in
    cluster: Cluster

    @property
    def nodes(self) -> list[str]:
        return self.cluster.ready_nodes()

    def call(self, method: str, path: str, **more: Any) -> Any:
        """One request with its token, whatever comes of it."""
        url = self.api.endpoint_for("container-infra").removesuffix("/v1") + path
        headers = {"OpenStack-API-Version": "container-infra latest"}
        return self.api.session.request(url, method, headers=headers, raise_exc=False, **more)


@pytest.fixture(scope="module")
def second(booting_bed: Bed, service: Service) -> Iterator[Account]:
    """The account of another project, in which the service may make clusters, too."""
    admin = booting_bed.connect(booting_bed.admin)
    account = Account("second", booting_bed.password)
    _forget(admin, account)
    project = admin.identity.create_project(name=account.name, domain_id="default")
    admin.identity.create_user(name=account.name, password=account.password, domain_id="default")
    for user in (account.name, "jeroboam"):
        admin.grant_role("member", user=user, project=project.id, wait=True)
    yield account
    _forget(admin, account)


def _forget(admin: Any, account: Account) -> None:
    for project in admin.identity.projects(name=account.name):
        for group in admin.network.security_groups(project_id=project.id):
            admin.network.delete_security_group(group)  # `default`, which Neutron made
        admin.identity.delete_project(project)
    for user in admin.identity.users(name=account.name):
        admin.identity.delete_user(user)


@pytest.fixture(scope="module")
def tenants(
    booting_bed: Bed, second: Account, images: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Tenant, Tenant]]:
    """A control plane and a worker, and a control plane alone."""
    folder = tmp_path_factory.mktemp("tenants")
    booting_bed.write_clouds(folder / "clouds.yaml", second)
    shell = Shell(folder / "clouds.yaml", folder)
    coes = {name: Coe(shell, name) for name in ("demo", "second")}
    kind = ("kubernetes", "container", images["kubernetes"])
    template(booting_bed, coes["demo"], "demo", *kind)
    template(booting_bed, coes["second"], "second", *kind, "--labels", _APART)
    ask(coes["demo"], "demo", workers=1)
    ask(coes["second"], "second", workers=0)
    try:
        yield tuple(_tenant(booting_bed, account, coes, folder) for account in (booting_bed.demo, second))  # type: ignore[misc]
    finally:
        for name, coe in coes.items():
            delete(coe, name)
        shell.stop()


def _tenant(bed: Bed, account: Account, coes: Mapping[str, Coe], folder: Path) -> Tenant:
    coe, own = coes[account.name], folder / account.name
    own.mkdir()
    settled(coe, account.name, "CREATE_COMPLETE", MADE_S)
    return Tenant(coe, bed.connect(account), kubernetes(coe, account.name, own))


def _both_ways(tenants: tuple[Tenant, Tenant]) -> tuple[tuple[Tenant, Tenant], ...]:
    one, other = tenants
    return (one, other), (other, one)


def test_a_tenant_is_told_of_its_own_alone(tenants: tuple[Tenant, Tenant]) -> None:
    for me, other in _both_ways(tenants):
        assert [row["uuid"] for row in me.coe.json("cluster", "list")] == [me.cluster.uuid]
        assert len(me.coe.json("cluster", "template", "list")) == 1
        for path in ("/v1/clusters", "/v1/clusters/detail", "/v1/clustertemplates/detail"):
            text = me.call("GET", path).text
            assert other.cluster.uuid not in text
            assert other.api.current_project_id not in text


def test_every_command_about_the_others_cluster_finds_none(tenants: tuple[Tenant, Tenant], tmp_path: Path) -> None:
    for me, other in _both_ways(tenants):
        for ident in (other.cluster.uuid, other.coe.cloud):
            commands = (
                ("cluster", "show", ident),
                ("cluster", "config", ident, "--dir", str(tmp_path)),
                ("cluster", "resize", ident, "3"),
                ("cluster", "update", "--node-count", "3", ident),
                ("cluster", "upgrade", ident, me.coe.cloud),
                ("cluster", "delete", ident),
                ("ca", "show", ident),
                ("ca", "rotate", ident),
                ("nodegroup", "list", ident),
                ("nodegroup", "create", ident, "more"),
            )
            for words in commands:
                said = me.coe.run(*words)
                assert f"Cluster {ident} could not be found" in said.out + said.err, words
        assert list(tmp_path.iterdir()) == []
    _nothing_happened(tenants)


def test_no_request_that_names_what_is_the_others_finds_it(tenants: tuple[Tenant, Tenant]) -> None:
    """Of all that the API has: 404, as if it were not there."""
    routes = [("/v1", one) for one in v1.ROUTES] + [("/ext/v1", one) for one in ext.ROUTES]
    owned = [(root, one) for root, one in routes if one.rule and one.path.startswith(_OWNED)]
    assert len(owned) >= 25
    for me, other in _both_ways(tenants):
        names, own = _names(other), _names(me)
        for root, route in owned:
            path = root + _filled(route.path, names)
            answer = me.call(route.method, path, json=_body(route.method, route.path, own))
            assert answer.status_code == 404, (route.method, path, answer.text)
        for path in ("/v1/clusters", "/ext/v1/clusters/plan"):
            body = {"cluster_template_id": names["template"], "name": "x"}
            assert me.call("POST", path, json=body).status_code == 404
        plan = me.call("POST", f"/ext/v1/clusters/{other.cluster.uuid}/plan", json={"operation": "delete"})
        assert plan.status_code == 404
        signed = me.call("POST", "/v1/certificates", json={"cluster_uuid": other.cluster.uuid, "csr": _csr()})
        assert (signed.status_code, "could not be found" in signed.text) == (400, True)
    _nothing_happened(tenants)


def _names(tenant: Tenant) -> dict[str, str]:
    """Ids of a tenant's things, by where they stand in paths."""
    uuid = tenant.cluster.uuid
    [template] = tenant.call("GET", "/v1/clustertemplates").json()["clustertemplates"]
    group = tenant.call("GET", f"/v1/clusters/{uuid}/nodegroups").json()["nodegroups"][0]
    operation = tenant.call("GET", f"/ext/v1/clusters/{uuid}/operations").json()["operations"][0]
    return {"cluster": uuid, "template": template["uuid"], "group": group["uuid"], "operation": operation["uuid"]}


def _filled(path: str, names: Mapping[str, str]) -> str:
    first = "template" if path.startswith("/clustertemplates") else "cluster"
    words = {"{cluster:str}": "cluster", "{uuid:str}": "operation"}
    words["{ident:str}"] = "group" if "{cluster:str}" in path else first
    for word, name in words.items():
        path = path.replace(word, names[name])
    return path


def _body(method: str, path: str, own: Mapping[str, str]) -> Any:
    """One that is in order, so that nothing but whose it is stands against it."""
    if method == "PATCH" and path.startswith(("/certificates", "/credentials")):
        return {}
    if method == "PATCH":
        field = {"/clusters/{ident:str}": "node_count"}.get(path, "max_node_count" if "nodegroups" in path else "name")
        return [{"op": "replace", "path": f"/{field}", "value": "3" if field == "name" else 3}]
    bodies = {"actions/resize": {"node_count": 3}, "actions/upgrade": {"cluster_template": own["template"]}}
    bodies |= {"nodegroups": {"name": "more"}, "certificates": {"csr": _csr(), "valid_s": 3600}}
    return next((body for end, body in bodies.items() if method == "POST" and path.endswith(end)), None)


def _csr() -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "admin")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name)
    signed = request.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode()


def _nothing_happened(tenants: tuple[Tenant, Tenant]) -> None:
    for tenant in tenants:
        shown = tenant.coe.json("cluster", "show", tenant.coe.cloud)
        assert shown["status"] == "CREATE_COMPLETE"
        done = tenant.call("GET", f"/ext/v1/clusters/{tenant.cluster.uuid}/operations").json()["operations"]
        assert [one["kind"] for one in done] == ["create"]


def test_the_credentials_of_one_cluster_open_nothing_at_the_other(
    tenants: tuple[Tenant, Tenant], tmp_path: Path
) -> None:
    for me, other in _both_ways(tenants):
        own = yaml.safe_load(me.cluster.kubeconfig.read_text())
        user, files = own["users"][0]["user"], []
        for word in ("client-certificate-data", "client-key-data"):
            files.append(tmp_path / f"{me.coe.cloud}-{word}.pem")
            files[-1].write_bytes(base64.b64decode(user[word]))
        places = [yaml.safe_load(one.cluster.kubeconfig.read_text())["clusters"][0]["cluster"] for one in (me, other)]
        statuses = [_status(place["server"], (str(files[0]), str(files[1]))) for place in places]
        assert statuses == [200, 401]
        trust = base64.b64decode(places[0]["certificate-authority-data"]).decode()
        assert trust not in base64.b64decode(places[1]["certificate-authority-data"]).decode()


def _status(server: str, cert: tuple[str, str]) -> int:
    with httpx.Client(verify=False, cert=cert, trust_env=False, timeout=30) as client:
        return client.get(f"{server}/api/v1/nodes").status_code


def test_no_packet_of_a_tenants_node_comes_to_the_others(booting_bed: Bed, tenants: tuple[Tenant, Tenant]) -> None:
    """Not to the nodes' addresses, the API's inside one or pods. A router of the tenant's own can be told to send them to the other's
    router, which hands them on: then the API answers, as it does at its floating address, and nothing else does."""
    demo, second = tenants
    places = _places(demo)
    [node] = second.nodes
    pod_on(second.cluster, "caller", node, in_its_network=True)
    _all_answer(second.cluster, f"{booting_bed.api}:5000")
    assert answers(second.cluster, "caller", *places) == dict.fromkeys(places, False)
    with _Routed(second, demo):
        _all_answer(second.cluster, *(place for place in places if place.endswith(":6443")))
        closed = [place for place in places if not place.endswith(":6443")]
        assert answers(second.cluster, "caller", *closed) == dict.fromkeys(closed, False)


def _places(tenant: Tenant) -> list[str]:
    """Where a tenant's own nodes and pods answer its own: kubelets, etcd, the API inside, a pod."""
    head, worker = sorted(tenant.nodes)
    pod = pod_on(tenant.cluster, "web", worker, does="serve")
    pod_on(tenant.cluster, "caller", worker, in_its_network=True)
    nodes = [address_of(tenant.cluster, one) for one in (head, worker)]
    places = [f"{nodes[0]}:6443", f"{nodes[0]}:2379", *(f"{node}:10250" for node in nodes), f"{pod}:8080"]
    _all_answer(tenant.cluster, *places)
    return places


def _all_answer(cluster: Cluster, *places: str) -> None:
    until(lambda: all(answers(cluster, "caller", *places).values()), 180, f"answers of {', '.join(places)}", every_s=2)


class _Routed:
    """While it is entered, the router of one tenant's cluster sends what is for the other's nodes and pods to the other's router, which
    every tenant can find in the external network."""

    def __init__(self, frm: Tenant, to: Tenant) -> None:
        ours, theirs = _router(frm), _router(to)
        outside = theirs.external_gateway_info["external_fixed_ips"][0]["ip_address"]
        self._network, self._router = frm.api.network, ours
        self._routes = [{"destination": cidr, "nexthop": outside} for cidr in ("10.0.0.0/16", "10.100.0.0/16")]

    def __enter__(self) -> None:
        self._network.add_extra_routes_to_router(self._router, {"router": {"routes": self._routes}})

    def __exit__(self, *_: object) -> None:
        self._network.remove_extra_routes_from_router(self._router, {"router": {"routes": self._routes}})


def _router(tenant: Tenant) -> Any:
    [found] = tenant.api.network.routers(project_id=tenant.api.current_project_id)
    return found
