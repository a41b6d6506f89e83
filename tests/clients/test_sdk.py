"""openstacksdk, unchanged: every call that it has for Magnum, by its proxy and by its cloud layer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openstack
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from keystoneauth1 import adapter, noauth, session
from openstack import exceptions
from tests.e2e.world import SOON_S, Service, until

pytestmark = [
    pytest.mark.sockets,
    pytest.mark.timeout(400),
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),
    pytest.mark.filterwarnings("ignore::openstack.warnings.OpenStackDeprecationWarning"),
]

MICROVERSION = "container_infrastructure_management_default_microversion"
TEMPLATE = {"coe": "kubernetes", "image_id": "fake-image", "flavor_id": "small", "master_flavor_id": "small"}


def connect(service: Service, folder: Path, *, version: str = "", path: str = "/v1", who: str = "ada") -> Any:
    """A connection by clouds.yaml, without a service catalogue."""
    endpoint = f"{service.url}{path}"
    cloud = {
        "auth_type": "http_basic",
        "auth": {"endpoint": endpoint, "username": who, "password": who * 3},
        "container_infrastructure_management_endpoint_override": endpoint,
        **({MICROVERSION: version} if version else {}),
    }
    clouds = folder / "clouds.yaml"
    clouds.write_text(yaml.safe_dump({"clouds": {"here": cloud}}))
    loaded = openstack.config.OpenStackConfig(config_files=[str(clouds)], load_envvars=False)
    return openstack.connection.Connection(config=loaded.get_one("here"))


@pytest.fixture(params=["", "1.14"], ids=["no microversion", "1.14"])
def cloud(service: Service, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    connection = connect(service, tmp_path, version=request.param)
    yield connection
    connection.close()


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/"])
def test_discovery_from_either_endpoint(service: Service, tmp_path: Path, path: str) -> None:
    cloud = connect(service, tmp_path, path=path)
    magnum = cloud.container_infrastructure_management
    found = magnum.get_endpoint_data()
    assert (found.api_version, found.url) == ((1, 0), f"{service.url}/v1/")
    assert isinstance(list(magnum.cluster_templates()), list)
    cloud.close()


def test_microversions_are_discovered_at_the_root(service: Service) -> None:
    """As of Magnum, whose document of /v1 does not tell them."""
    plain = adapter.Adapter(session.Session(auth=noauth.NoAuth(endpoint=service.url)), endpoint_override=service.url)
    found = plain.get_endpoint_data()
    assert found is not None
    assert (found.min_microversion, found.max_microversion) == ((1, 1), (1, 14))


def test_templates_by_the_proxy(cloud: Any) -> None:
    magnum = cloud.container_infrastructure_management
    made = magnum.create_cluster_template(name="sdk", labels={"a": "1"}, **TEMPLATE)
    assert made.id == made.uuid
    assert (made.name, made.coe, made.labels, made.is_public) == ("sdk", "kubernetes", {"a": "1"}, False)
    assert magnum.get_cluster_template(made.id).to_dict()["image_id"] == "fake-image"
    assert magnum.find_cluster_template("sdk").uuid == made.id  # found by name, its `id` is the name
    assert magnum.find_cluster_template(made.id).name == "sdk"
    assert magnum.find_cluster_template("nope") is None
    with pytest.raises(exceptions.NotFoundException):
        magnum.find_cluster_template("nope", ignore_missing=False)
    assert made.id in [one.id for one in magnum.cluster_templates()]
    changed = magnum.update_cluster_template(made, name="renamed", labels={"a": "2", "b": "3"})
    assert (changed.name, changed.labels) == ("renamed", {"a": "2", "b": "3"})
    magnum.delete_cluster_template(made.id)
    magnum.delete_cluster_template(made.id)  # what is not there is taken for deleted
    with pytest.raises(exceptions.NotFoundException):
        magnum.delete_cluster_template(made.id, ignore_missing=False)


def test_templates_by_the_cloud_layer(cloud: Any) -> None:
    made = cloud.create_cluster_template("layer", **{**TEMPLATE, "labels": {"a": "1"}})
    assert cloud.get_cluster_template("layer").uuid == made.id
    assert made.id in [one.id for one in cloud.list_cluster_templates()]
    assert [one.id for one in cloud.search_cluster_templates("layer")] == [made.id]
    assert [one.id for one in cloud.search_cluster_templates(filters={"name": "layer"})] == [made.id]
    assert cloud.update_cluster_template("layer", name="layer-2").name == "layer-2"
    assert cloud.delete_cluster_template("layer-2") is True
    assert cloud.delete_cluster_template("layer-2") is False


@pytest.fixture
def template(cloud: Any) -> Iterator[str]:
    magnum = cloud.container_infrastructure_management
    made = magnum.create_cluster_template(name="sdk-base", **TEMPLATE)
    yield made.id
    until(lambda: _deleted(magnum, made.id), SOON_S, "its clusters are gone", every_s=0.2)


def _deleted(magnum: Any, template: str) -> bool:
    """A template goes once no cluster needs it."""
    try:
        magnum.delete_cluster_template(template)
    except exceptions.BadRequestException:
        return False
    return True


def csr() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sdk")])
    asked = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return asked.public_bytes(serialization.Encoding.PEM).decode()


def test_a_cluster_by_the_proxy(cloud: Any, template: str) -> None:
    magnum = cloud.container_infrastructure_management
    made = magnum.create_cluster(name="sdk-cluster", cluster_template_id=template, node_count=1)
    cluster = magnum.wait_for_status(magnum.get_cluster(made.id), "CREATE_COMPLETE", ["CREATE_FAILED"], 1, 60)
    assert (cluster.name, cluster.node_count, cluster.master_count) == ("sdk-cluster", 1, 1)
    assert magnum.find_cluster("sdk-cluster").uuid == made.id
    assert magnum.find_cluster("nope") is None
    assert made.id in [one.id for one in magnum.clusters()]

    authority = magnum.get_cluster_certificate(made.id)
    assert x509.load_pem_x509_certificate(authority.pem.encode()).subject.rfc4514_string().startswith("OU=cluster")
    signed = magnum.create_cluster_certificate(cluster_uuid=made.id, csr=csr())
    issued = x509.load_pem_x509_certificate(signed.pem.encode())
    assert issued.subject.rfc4514_string() == "CN=sdk"

    magnum.update_cluster(cluster, node_count=2)
    cluster = magnum.wait_for_status(magnum.get_cluster(made.id), "UPDATE_COMPLETE", ["UPDATE_FAILED"], 1, 60)
    assert (cluster.node_count, len(cluster.node_addresses)) == (2, 2)
    magnum.delete_cluster(cluster)
    magnum.wait_for_delete(cluster, 1, 60)
    assert magnum.find_cluster("sdk-cluster") is None


def test_a_cluster_by_the_cloud_layer(cloud: Any, template: str) -> None:
    made = cloud.create_coe_cluster("layer-cluster", template, node_count=1)
    complete = until(lambda: _with_status(cloud, "CREATE_COMPLETE"), SOON_S, "CREATE_COMPLETE", every_s=0.2)
    assert complete.id == made.id
    assert made.id in [one.id for one in cloud.list_coe_clusters()]
    assert [one.id for one in cloud.search_coe_clusters("layer-cluster")] == [made.id]
    assert cloud.get_coe_cluster_certificate(made.id).pem.startswith("-----BEGIN CERTIFICATE-----")
    assert cloud.sign_coe_cluster_certificate(made.id, csr()).pem.startswith("-----BEGIN CERTIFICATE-----")
    cloud.update_coe_cluster("layer-cluster", node_count=2)
    until(lambda: _with_status(cloud, "UPDATE_COMPLETE"), SOON_S, "UPDATE_COMPLETE", every_s=0.2)
    assert cloud.delete_coe_cluster("layer-cluster") is True
    until(lambda: cloud.get_coe_cluster("layer-cluster") is None, SOON_S, "it is gone", every_s=0.2)
    assert cloud.delete_coe_cluster("layer-cluster") is False


def _with_status(cloud: Any, status: str) -> Any:
    found = cloud.get_coe_cluster("layer-cluster")
    assert found.status in (status, f"{status.split('_')[0]}_IN_PROGRESS", "CREATE_COMPLETE")
    return found if found.status == status else None


def test_pages_are_followed(cloud: Any, template: str) -> None:
    magnum = cloud.container_infrastructure_management
    for number in range(5):
        magnum.create_cluster(name=f"page-{number}", cluster_template_id=template, node_count=1)
    seen = [one.name for one in magnum.clusters(limit=2) if one.name.startswith("page-")]
    assert seen == [f"page-{number}" for number in range(5)]
    assert len({one.id for one in magnum.cluster_templates(limit=1)}) == len(list(magnum.cluster_templates()))
    for one in list(magnum.clusters()):
        if one.name.startswith("page-"):
            magnum.delete_cluster(one)
            magnum.wait_for_delete(one, 1, 60)


def _new(magnum: Any) -> bool:
    return bool(magnum.default_microversion)


def test_resize_and_upgrade_need_a_microversion(cloud: Any, template: str) -> None:
    """The SDK stumbles over the answers that it asked for (it takes the response for a dict); the cluster changes nevertheless."""
    magnum = cloud.container_infrastructure_management
    made = magnum.create_cluster(name="sdk-resize", cluster_template_id=template, node_count=1)
    cluster = magnum.wait_for_status(magnum.get_cluster(made.id), "CREATE_COMPLETE", ["CREATE_FAILED"], 1, 60)
    if not _new(magnum):
        for call, words in ((cluster.resize, {"node_count": 2}), (cluster.upgrade, {"cluster_template": template})):
            with pytest.raises(exceptions.HttpException) as refused:
                call(magnum, **words)
            assert refused.value.status_code == 406
    else:
        with pytest.raises(TypeError, match="not subscriptable"):
            cluster.resize(magnum, node_count=2)
        resized = magnum.wait_for_status(magnum.get_cluster(made.id), "UPDATE_COMPLETE", ["UPDATE_FAILED"], 1, 60)
        assert resized.node_count == 2
        newer = magnum.create_cluster_template(name="sdk-newer", **{**TEMPLATE, "image_id": "other-image"})
        with pytest.raises(TypeError, match="not subscriptable"):
            cluster.upgrade(magnum, cluster_template="sdk-newer", max_batch_size=2)
        until(
            lambda: magnum.get_cluster(made.id).cluster_template_id == newer.id, SOON_S, "it is upgraded", every_s=0.2
        )
        assert magnum.get_cluster(made.id).status == "UPDATE_COMPLETE"
    magnum.delete_cluster(cluster)
    magnum.wait_for_delete(cluster, 1, 60)
    if _new(magnum):
        magnum.delete_cluster_template(newer.id)


def test_services(service: Service, tmp_path: Path) -> None:
    with connect(service, tmp_path, who="root") as cloud:
        for listed in (list(cloud.container_infrastructure_management.services()), cloud.list_magnum_services()):
            assert [(one.binary, one.state) for one in listed] == [("magnum-conductor", "up")]
    with connect(service, tmp_path) as cloud, pytest.raises(exceptions.ForbiddenException):
        cloud.list_magnum_services()


def test_what_the_service_says_reaches_the_caller(cloud: Any) -> None:
    with pytest.raises(exceptions.BadRequestException) as refused:
        cloud.create_cluster_template("bad", **{**TEMPLATE, "image_id": "nope"})
    assert refused.value.response is not None
    assert refused.value.response.json()["errors"][0]["detail"] == "Image nope could not be found."
