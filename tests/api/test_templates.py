"""/v1/clustertemplates. Contract: sections 2.1, 2.2, 2.3, 3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from jeroboam.contracts import Image
from jeroboam.drivers.fake import FakeDriver
from jeroboam.providers.fake import Cloud, FakeCatalogue, FakeProvider
from jeroboam.service import NetworkDrivers, ServiceSettings

if TYPE_CHECKING:
    from tests.api.conftest import Api, Maker

HOST = "http://127.0.0.1:9511"
BODY = {"coe": "kubernetes", "image_id": "fake-image", "name": "k8s"}


def detail(answer: Any) -> str:
    [error] = answer.json()["errors"]
    assert error["status"] == answer.status_code
    assert (error["request_id"], error["links"]) == ("", [])
    assert error["title"] == error["detail"].partition(".")[0]
    return str(error["detail"])


async def test_a_template_with_every_default(member: Api) -> None:
    answer = await member.post("/v1/clustertemplates", BODY)
    uuid = answer.json()["uuid"]
    assert answer.status_code == 201
    assert answer.headers["location"] == f"{HOST}/v1/clustertemplates/{uuid}"
    assert answer.json() == {
        "uuid": uuid,
        "name": "k8s",
        "coe": "kubernetes",
        "image_id": "fake-image",
        "flavor_id": None,
        "master_flavor_id": None,
        "keypair_id": None,
        "external_network_id": None,
        "fixed_network": None,
        "fixed_subnet": None,
        "dns_nameserver": None,
        "network_driver": "flannel",
        "volume_driver": None,
        "server_type": "vm",
        "docker_storage_driver": None,
        "docker_volume_size": None,
        "apiserver_port": None,
        "cluster_distro": "debian",
        "http_proxy": None,
        "https_proxy": None,
        "no_proxy": None,
        "insecure_registry": None,
        "labels": {},
        "tls_disabled": False,
        "registry_enabled": False,
        "public": False,
        "hidden": False,
        "master_lb_enabled": False,
        "floating_ip_enabled": True,
        "tags": None,
        "driver": "fake",
        "project_id": "project-1",
        "user_id": "user-1",
        "links": [
            {"rel": "self", "href": f"{HOST}/v1/clustertemplates/{uuid}"},
            {"rel": "bookmark", "href": f"{HOST}/clustertemplates/{uuid}"},
        ],
        "created_at": "2026-01-02T03:04:05+00:00",
        "updated_at": None,
    }
    for path in ("k8s", uuid):
        shown = await member.get(f"/v1/clustertemplates/{path}")
        assert (shown.status_code, shown.json()) == (200, answer.json())
    for path in ("", "/detail"):
        assert (await member.get(f"/v1/clustertemplates{path}")).json() == {"clustertemplates": [answer.json()]}


async def test_every_field_is_kept(member: Api) -> None:
    given = {
        "uuid": "0b6e8f0e-aaaa-4000-8000-000000000001",
        "flavor_id": "small",
        "master_flavor_id": "m1.medium",
        "keypair_id": "not-checked-here",
        "external_network_id": "public",
        "fixed_network": "public",
        "dns_nameserver": "8.8.8.8, 9.9.9.9",
        "network_driver": "flannel",
        "volume_driver": "cinder",
        "server_type": "bm",
        "docker_storage_driver": "overlay2",
        "docker_volume_size": "5",
        "apiserver_port": 1024.9,
        "http_proxy": "http://p",
        "https_proxy": "https://p",
        "no_proxy": "x",
        "insecure_registry": "r",
        "labels": {"i": 5, "b": True, "f": 1.5, "t": "x", "boot_volume_size": "10"},
        "tls_disabled": "yes",
        "registry_enabled": 1,
        "master_lb_enabled": "True",
        "floating_ip_enabled": "off",
        "tags": "",
        "driver": "fake",
    }
    shown = (await member.post("/v1/clustertemplates", BODY | given)).json()
    assert {key: shown[key] for key in given} == given | {
        "docker_volume_size": 5,
        "apiserver_port": 1024,
        "labels": {"i": "5", "b": "True", "f": "1.5", "t": "x", "boot_volume_size": "10"},
        "tls_disabled": True,
        "registry_enabled": True,
        "master_lb_enabled": True,
        "floating_ip_enabled": False,
    }


async def test_nulls_are_not_given(member: Api) -> None:
    answer = await member.post(
        "/v1/clustertemplates",
        BODY
        | dict.fromkeys(
            (
                "labels",
                "tls_disabled",
                "public",
                "floating_ip_enabled",
                "name",
                "uuid",
                "server_type",
                "docker_volume_size",
            )
        ),
    )
    shown = answer.json()
    assert (shown["labels"], shown["tls_disabled"], shown["public"], shown["floating_ip_enabled"], shown["server_type"]) == (
        {}, False, False, True, "vm",
    )  # fmt: skip
    assert shown["name"].endswith("-template")


async def test_the_distribution_is_the_images(member: Api) -> None:
    assert (await member.post("/v1/clustertemplates", BODY | {"cluster_distro": "plan9"})).json()[
        "cluster_distro"
    ] == "debian"


WRONG = "Invalid input for field/attribute "


@pytest.mark.parametrize(("change", "status", "text"), [
    ({"colour": "red"}, 400, "Unknown attribute for argument cluster_template: colour"),
    ({"coe": "dcos"}, 400, f"{WRONG}coe. Value: 'dcos'. Value should be one of: kubernetes, swarm, swarm-mode, lxd"),
    ({"coe": None}, 400, "Requested COE type None is not supported."),
    ({"image_id": None}, 400, f"{WRONG}image_id. Value: 'None'. Mandatory field missing."),
    ({"image_id": "nope"}, 400, "Image nope could not be found."),
    ({"image_id": 5}, 400, f"{WRONG}image_id. Value: '5'. Wrong type. Expected '<class 'str'>', got '<class 'int'>'"),
    ({"name": ""}, 400, f"{WRONG}name. Value: ''. Value should have a minimum character requirement of 1"),
    ({"name": "x" * 256}, 400, f"{WRONG}name. Value: '{'x' * 200}'. Value should have a maximum character requirement of 255"),
    ({"name": "a\0b"}, 400, f"{WRONG}name. Value: ''a\\x00b''. Value must not hold NUL characters or lone surrogates"),
    ({"uuid": "x"}, 400, f"{WRONG}uuid. Value: 'x'. unable to convert to uuid. Error: Expected a uuid but received x."),
    ({"project_id": "p"}, 400, f"{WRONG}project_id. Value: 'p'. Cannot set read only field."),
    ({"links": []}, 400, f"{WRONG}links. Value: '[]'. Cannot set read only field."),
    ({"server_type": "toaster"}, 400, f"{WRONG}server_type. Value: 'toaster'. Value should be one of: vm, bm, container"),
    ({"flavor_id": "huge"}, 400, "Unable to find flavor huge."),
    ({"master_flavor_id": "huge"}, 400, "Unable to find flavor huge."),
    ({"external_network_id": "lan"}, 400, "Unable to find external network lan."),
    ({"fixed_network": "lan"}, 400, "Unable to find fixed network lan."),
    ({"fixed_subnet": "lan"}, 400, "Unable to find fixed subnet lan."),
    ({"dns_nameserver": "::1"}, 400, "Expected a single dns address or comma separated dns list, but received ::1."),
    ({"network_driver": "docker"}, 400,
     "Network driver type docker is not supported, expecting a flannel/calico/cilium/unspecified network driver."),
    ({"volume_driver": "nfs"}, 400, "Volume driver type nfs is not supported, expecting a cinder/unspecified volume driver."),
    ({"docker_storage_driver": "devicemapper", "docker_volume_size": 2}, 400,
     "docker volume size 2 GB is not valid, expecting minimum value 3GB for devicemapper storage driver."),
    ({"docker_volume_size": 0}, 400, f"{WRONG}docker_volume_size. Value: '0'. Value should be greater or equal to 1"),
    ({"docker_volume_size": 2**80}, 400,
     f"{WRONG}docker_volume_size. Value: '{2**80}'. Value should be lower or equal to 2147483647"),
    ({"docker_volume_size": "many"}, 400,
     f"{WRONG}docker_volume_size. Value: 'many'. Wrong type. Expected '<class 'int'>', got '<class 'str'>'"),
    ({"docker_volume_size": True}, 400,
     f"{WRONG}docker_volume_size. Value: 'True'. Wrong type. Expected '<class 'int'>', got '<class 'bool'>'"),
    ({"apiserver_port": 1023}, 400, f"{WRONG}apiserver_port. Value: '1023'. Value should be greater or equal to 1024"),
    ({"apiserver_port": 65536}, 400, f"{WRONG}apiserver_port. Value: '65536'. Value should be lower or equal to 65535"),
    ({"tls_disabled": "bogus"}, 400,
     f"{WRONG}tls_disabled. Value: 'bogus'. Wrong type. Expected '<class 'bool'>', got '<class 'str'>'"),
    ({"public": ""}, 400, f"{WRONG}public. Value: ''. Wrong type. Expected '<class 'bool'>', got '<class 'str'>'"),
    ({"labels": "a=b"}, 400, f"{WRONG}labels. Value: 'a=b'. Wrong type. Expected '<class 'dict'>', got '<class 'str'>'"),
    ({"labels": {"a": None}}, 400,
     f"{WRONG}labels. Value: 'None'. Wrong type. Expected '<class 'str'>', got '<class 'NoneType'>'"),
    ({"labels": {"boot_volume_size": "big"}}, 400,
     "Label boot_volume_size must be an integer number of gigabytes, but received big."),
    ({"driver": "nope"}, 400, "Cluster driver (nope) not supported."),
    ({"public": True}, 403, "Not authorized to set public or hidden flag for cluster template."),
    ({"hidden": True}, 403, "Not authorized to set public or hidden flag for cluster template."),
])  # fmt: skip
async def test_what_a_template_may_not_be(member: Api, change: dict[str, Any], status: int, text: str) -> None:
    answer = await member.post("/v1/clustertemplates", BODY | change)
    assert (answer.status_code, detail(answer)) == (status, text)
    assert (await member.get("/v1/clustertemplates")).json() == {"clustertemplates": []}


async def test_no_coe_at_all(member: Api) -> None:
    answer = await member.post("/v1/clustertemplates", {"image_id": "fake-image"})
    assert (answer.status_code, detail(answer)) == (400, "Requested COE type Unset is not supported.")
    answer = await member.post("/v1/clustertemplates", {})
    assert detail(answer) == f"{WRONG}image_id. Value: 'None'. Mandatory field missing."


async def test_a_uuid_is_taken_once(member: Api) -> None:
    uuid = await member.template(uuid="0b6e8f0e-aaaa-4000-8000-000000000001")
    answer = await member.post("/v1/clustertemplates", BODY | {"uuid": uuid})
    assert (answer.status_code, detail(answer)) == (409, f"A ClusterTemplate with UUID {uuid} already exists.")


IMAGES = FakeCatalogue(
    image_list=(
        Image("1", "twice", {"os_distro": "debian"}),
        Image("2", "twice", {"os_distro": "debian"}),
        Image("3", "secret", {"os_distro": "debian"}, forbidden=True),
        Image("4", "bare", {}),
        Image("5", "named", {"os_distro": "debian", "magnum_driver": "fake"}),
        Image("6", "foreign", {"os_distro": "plan9"}),
        Image("7", "lost", {"os_distro": "debian", "magnum_driver": "gone"}),
        Image("8", "tagged", {"os_distro": "debian"}),
        Image("8", "tagged", {"os_distro": "debian"}),
    )
)


@pytest.mark.parametrize(("image", "status", "text"), [
    ("twice", 409, "Multiple images exist with same name 'twice'. Please use the image ID instead."),
    ("secret", 403, "Not authorized for image secret."),
    ("bare", 400, "Image bare doesn't contain os_distro field."),
    ("foreign", 201, ""),  # told when a cluster is asked for
    ("lost", 400, "Cluster driver (gone) not supported."),
    ("named", 201, ""),
    ("tagged", 201, ""),
])  # fmt: skip
async def test_images(make: Maker, image: str, status: int, text: str) -> None:
    member = make(provider=FakeProvider(Cloud(), boot_s=0, catalogue=IMAGES)).as_("user-1")
    answer = await member.post("/v1/clustertemplates", BODY | {"image_id": image})
    assert answer.status_code == status
    if text:
        assert detail(answer) == text


async def test_an_image_of_another_tool_is_refused_with_those_that_fit(make: Maker) -> None:
    images = FakeCatalogue(
        image_list=(
            Image("1", "node-hosts", {"os_distro": "debian", "magnum_driver": "hosts"}),
            Image("2", "node-k8s", {"os_distro": "debian", "magnum_driver": "fake"}),
            Image("3", "plain", {"os_distro": "debian"}),
            Image("4", "secret", {"os_distro": "debian"}, forbidden=True),
        )
    )
    drivers = {"fake": FakeDriver(), "hosts": FakeDriver(name="hosts", coe="hosts")}
    member = make(provider=FakeProvider(Cloud(), boot_s=0, catalogue=images), drivers=drivers).as_("user-1")
    refused = await member.post("/v1/clustertemplates", BODY | {"image_id": "node-hosts"})
    assert (refused.status_code, detail(refused)) == (
        400,
        "Image node-hosts is for hosts, the template's COE is kubernetes. "
        "Ask for COE hosts, or for an image that fits: node-k8s, plain.",
    )
    for fitting in ({"image_id": "node-hosts", "coe": "hosts"}, {"image_id": "plain"}, {"image_id": "node-k8s"}):
        assert (await member.post("/v1/clustertemplates", BODY | fitting)).status_code == 201
    named = await member.post("/v1/clustertemplates", BODY | {"image_id": "node-hosts", "driver": "fake"})
    assert named.status_code == 201  # who names the driver knows better than the image
    path = f"/v1/clustertemplates/{named.json()['uuid']}"
    patched = await member.patch(path, [{"op": "replace", "path": "/driver", "value": "hosts"}])
    assert patched.status_code == 400
    assert detail(patched).startswith("Image node-hosts is for hosts, the template's COE is kubernetes.")


async def test_a_network_driver_that_the_operator_does_not_allow(make: Maker) -> None:
    member = make(settings=ServiceSettings(network_drivers={"kubernetes": NetworkDrivers("calico", ("calico",))})).as_(
        "user-1"
    )
    answer = await member.post("/v1/clustertemplates", BODY | {"network_driver": "flannel"})
    assert answer.status_code == 400
    assert detail(answer) == (
        "Network driver type flannel is not allowed, expecting a calico/unspecified network driver. "
    )


@pytest.mark.parametrize(("content", "kind", "status", "text"), [
    (b"", "application/json", 400, 'Missing argument: "cluster_template"'),
    (b"", None, 400, 'Missing argument: "cluster_template"'),
    (b"{", "application/json", 400, "Request is not in valid JSON format"),
    (b"\xff", "application/json", 400, "Request is not in valid JSON format. It is no UTF-8, UTF-16 or UTF-32."),
    (b"[" * 100_000, "application/json", 400, "Request is not in valid JSON format"),
    (b'{"name": "\\ud800"}', "application/json", 400, "Request is not in valid JSON format"),
    (b'{"docker_volume_size": 1e999}', "application/json; charset=utf-8", 400, "Request is not in valid JSON format"),
    (b'{"docker_volume_size": ' + b"9" * 5000 + b"}", "application/json", 400, "Request is not in valid JSON format"),
    (b"{}", "text/plain", 415, "Unknown mimetype: text/plain"),
    (b"{}", "application/xml", 415, "Unknown mimetype: application/xml"),
    (b"{}", "application/json-patch+json", 415, "Unknown mimetype: application/json-patch+json"),
    (b"coe=kubernetes", "application/x-www-form-urlencoded", 400, 'Unknown argument: "coe"'),
    (b"{}", None, 400, 'Unknown argument: "{}"'),
    (b"null", "application/json", 400,
     f"{WRONG}cluster_template. Value: 'None'. Wrong type. Expected an object, got '<class 'NoneType'>'"),
    (b"[]", "application/json", 400, f"{WRONG}cluster_template. Value: '[]'. Wrong type. Expected an object, got '<class 'list'>'"),
    (b'"x"', "application/json", 400, f"{WRONG}cluster_template. Value: 'x'. Wrong type. Expected an object, got '<class 'str'>'"),
])  # fmt: skip
async def test_bodies(member: Api, content: bytes, kind: str | None, status: int, text: str) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    answer = await member.call("POST", "/v1/clustertemplates", content=content, headers=headers)
    assert (answer.status_code, detail(answer)) == (status, text)


async def test_a_body_that_is_too_long(member: Api) -> None:
    answer = await member.post("/v1/clustertemplates", BODY | {"no_proxy": "x" * 1_048_576})
    assert (answer.status_code, detail(answer)) == (413, "The request body is too large.")


# ---- who sees and may do what


@pytest.fixture
async def public(admin: Api) -> str:
    return await admin.template(name="public", public=True)


@pytest.fixture
async def hidden(admin: Api) -> str:
    return await admin.template(name="hidden", public=True, hidden=True)


@pytest.mark.parametrize(
    ("who", "seen"),
    [
        (("user-1", "project-1", "member,reader"), {"own", "public"}),
        (("mate", "project-1", "reader"), {"own", "public"}),
        (("user-2", "project-2", "member,reader"), {"public"}),
        (("root", "other", "admin"), {"own", "public", "hidden"}),
        (("adm", "admin", "reader"), {"public", "hidden"}),
    ],
)
@pytest.mark.usefixtures("public", "hidden")
async def test_who_sees_which(anonymous: Api, member: Api, who: tuple[str, str, str], seen: set[str]) -> None:
    await member.template(name="own")
    caller = anonymous.as_(*who)
    for path in ("", "/detail"):
        found = (await caller.get(f"/v1/clustertemplates{path}")).json()["clustertemplates"]
        assert {one["name"] for one in found} == seen
    for name in ("own", "public", "hidden"):
        answer = await caller.get(f"/v1/clustertemplates/{name}")
        assert answer.status_code == (200 if name in seen else 404)
        if name not in seen:
            assert detail(answer) == f"ClusterTemplate {name} could not be found."


READ_LIST = ("GET", "/v1/clustertemplates", None)
READ_ONE = ("GET", "/v1/clustertemplates/own", None)
CREATE = ("POST", "/v1/clustertemplates", BODY)
PATCH = ("PATCH", "/v1/clustertemplates/own", [{"op": "replace", "path": "/tags", "value": "t"}])
DELETE = ("DELETE", "/v1/clustertemplates/own", None)


@pytest.mark.parametrize(
    ("roles", "project", "statuses"),
    [
        ("admin", "elsewhere", (200, 200, 201, 200, 204)),
        ("admin", "project-1", (200, 200, 201, 200, 204)),
        ("member,reader", "project-1", (200, 200, 201, 200, 204)),
        ("member", "project-1", (403, 403, 201, 200, 204)),
        ("reader", "project-1", (200, 200, 403, 403, 403)),
        ("", "project-1", (403, 403, 403, 403, 403)),
        ("member,reader", "elsewhere", (200, 404, 201, 404, 404)),
    ],
)
async def test_every_role(anonymous: Api, member: Api, roles: str, project: str, statuses: tuple[int, ...]) -> None:
    await member.template(name="own", tags="x")
    caller = anonymous.as_("somebody", project, roles)
    found = [(await caller.call(m, p, json=j)).status_code for m, p, j in (READ_LIST, READ_ONE, CREATE, PATCH, DELETE)]
    assert tuple(found) == statuses


async def test_a_refusal_names_the_rule(anonymous: Api) -> None:
    answer = await anonymous.as_("r", roles="reader").post("/v1/clustertemplates", BODY)
    assert (answer.status_code, detail(answer)) == (
        403, "Policy doesn't allow clustertemplate:create to be performed.",
    )  # fmt: skip


async def test_a_public_one_may_be_read_without_any_role(anonymous: Api, public: str) -> None:
    assert (await anonymous.as_("x", "y", "").get(f"/v1/clustertemplates/{public}")).status_code == 200


async def test_names_need_not_be_unique_but_then_only_the_uuid_tells(member: Api) -> None:
    first = await member.template()
    await member.template()
    answer = await member.get("/v1/clustertemplates/k8s")
    text = "Multiple ClusterTemplates exist with same name. Please use the ClusterTemplate uuid instead."
    assert (answer.status_code, detail(answer)) == (409, text)
    assert (await member.get(f"/v1/clustertemplates/{first}")).status_code == 200


@pytest.mark.parametrize("spelling", [str.upper, lambda text: text.replace("-", "")])
async def test_a_uuid_is_looked_up_by_its_exact_text(member: Api, spelling: Any) -> None:
    uuid = spelling(await member.template())
    assert (await member.get(f"/v1/clustertemplates/{uuid}")).status_code == 404


# ---- in use


async def test_deleting_a_template_in_use(member: Api) -> None:
    uuid = await member.template()
    cluster = await member.cluster(cluster_template_id=uuid)
    answer = await member.delete(f"/v1/clustertemplates/{uuid}")
    text = f"ClusterTemplate {uuid} is referenced by one or multiple clusters."
    assert (answer.status_code, detail(answer)) == (400, text)
    await member.delete(f"/v1/clusters/{cluster}")
    assert await member.finished(cluster) == "succeeded"
    assert (await member.delete(f"/v1/clustertemplates/{uuid}")).status_code == 204
    assert (await member.delete(f"/v1/clustertemplates/{uuid}")).status_code == 404


def replace(path: str, value: Any) -> dict[str, Any]:
    return {"op": "replace", "path": path, "value": value}


@pytest.mark.parametrize(
    ("changes", "fine"),
    [
        ([replace("/name", "new")], True),
        ([replace("/tags", "t")], True),
        ([replace("/hidden", True)], True),
        ([replace("/public", True)], True),
        ([replace("/name", "new"), replace("/tags", "t")], False),
        ([replace("/labels", {"a": "b"})], False),
        ([replace("/image_id", "fake-image")], False),
        ([{"op": "remove", "path": "/tags"}], False),
        ([], False),
    ],
)
async def test_what_a_template_in_use_may_become(admin: Api, changes: list[dict[str, Any]], fine: bool) -> None:
    uuid = await admin.template(tags="old")
    as_member = admin.as_("root", "admin", "admin,member")
    await as_member.cluster(cluster_template_id=uuid)
    answer = await admin.patch(f"/v1/clustertemplates/{uuid}", changes)
    assert answer.status_code == (200 if fine else 400)
    if not fine:
        assert detail(answer) == f"ClusterTemplate {uuid} is referenced by one or multiple clusters."


async def test_unpublishing_a_template_in_use(admin: Api, public: str) -> None:
    await admin.cluster(cluster_template_id=public)
    assert (await admin.patch(f"/v1/clustertemplates/{public}", [replace("/public", False)])).status_code == 400


# ---- PATCH


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ([replace("/name", "new")], "name", "new"),
        ([replace("/flavor_id", "small")], "flavor_id", "small"),
        ([{"op": "add", "path": "/flavor_id", "value": "small"}], "flavor_id", "small"),
        ([{"op": "remove", "path": "/docker_volume_size"}], "docker_volume_size", None),
        ([replace("/docker_volume_size", 9)], "docker_volume_size", 9),
        ([replace("/labels", "{'x': 'y'}")], "labels", {"x": "y"}),
        ([replace("/labels", '{"x": true}')], "labels", {"x": "True"}),
        ([replace("/labels", {"x": 5})], "labels", {"x": "5"}),
        ([{"op": "remove", "path": "/labels"}], "labels", {}),
        ([{"op": "remove", "path": "/labels"}, {"op": "add", "path": "/labels/n", "value": 1}], "labels", {"n": "1"}),
        ([{"op": "add", "path": "/labels/n", "value": 1}], "labels", {"a": "b", "n": "1"}),
        ([{"op": "add", "path": "/labels/a", "value": "z"}], "labels", {"a": "z"}),
        ([replace("/labels/a", "z")], "labels", {"a": "z"}),
        ([{"op": "remove", "path": "/labels/a"}], "labels", {}),
        ([replace("/tls_disabled", "True")], "tls_disabled", True),
        ([replace("/master_lb_enabled", True)], "master_lb_enabled", True),
        ([{"op": "remove", "path": "/floating_ip_enabled"}], "floating_ip_enabled", True),
        ([replace("/cluster_distro", "plan9")], "cluster_distro", "plan9"),
        ([], "name", "k8s"),
    ],
)
async def test_patches(member: Api, changes: list[dict[str, Any]], field: str, value: Any) -> None:
    uuid = await member.template(labels={"a": "b"}, docker_volume_size=4)
    before = (await member.get(f"/v1/clustertemplates/{uuid}")).json()
    answer = await member.patch(f"/v1/clustertemplates/{uuid}", changes)
    assert (answer.status_code, answer.json().get(field)) == (200, value)
    shown = (await member.get(f"/v1/clustertemplates/{uuid}")).json()
    assert shown == answer.json()
    assert shown["updated_at"] == (None if shown == before else "2026-01-02T03:04:05+00:00")


async def test_the_media_type_of_json_patch_is_taken(member: Api) -> None:
    uuid = await member.template()
    headers = {"Content-Type": "application/json-patch+json"}
    answer = await member.patch(f"/v1/clustertemplates/{uuid}", [replace("/name", "new")], headers=headers)
    assert (answer.status_code, answer.json()["name"]) == (200, "new")


REMOVE_X = {"op": "remove", "path": "/x"}


@pytest.mark.parametrize(("changes", "text"), [
    ({"op": "add"}, f"{WRONG}patch. Value: '{{'op': 'add'}}'. Wrong type. Expected '[JsonPatch]', got '<class 'dict'>'"),
    (["x"], f"{WRONG}patch. Value: 'x'. Wrong type. Expected an object, got '<class 'str'>'"),
    ([{"op": "move", "path": "/name", "from": "/x"}], "Unknown attribute for argument patch: from"),
    ([{"op": "test", "path": "/name", "value": "x"}], f"{WRONG}op. Value: 'test'. Value should be one of: add, replace, remove"),
    ([{"path": "/name", "value": "x"}], f"{WRONG}op. Value: 'None'. Mandatory field missing."),
    ([{"op": "add", "value": "x"}], f"{WRONG}path. Value: 'None'. Mandatory field missing."),
    ([replace("name", "x")], f"{WRONG}path. Value: 'name'. Value should match the pattern ^(/[\\w-]+)+$"),
    ([replace("", "x")], f"{WRONG}path. Value: ''. Value should match the pattern ^(/[\\w-]+)+$"),
    ([replace("/labels/a.b", "x")], f"{WRONG}path. Value: '/labels/a.b'. Value should match the pattern ^(/[\\w-]+)+$"),
    ([replace("/name\n", "x")], f"{WRONG}path. Value: '/name\n'. Value should match the pattern ^(/[\\w-]+)+$"),
    ([{"op": "add", "path": "/name"}], "'add' and 'replace' operations needs value"),
    ([replace("/name", None)], "'add' and 'replace' operations needs value"),
    ([replace("/name", 1.5)],
     f"{WRONG}value. Value: '1.5'. Wrong type. Expected '(<class 'str'>, <class 'int'>)', got '<class 'float'>'"),
    ([replace("/name", {"a": 1})],
     f"{WRONG}name. Value: '{{'a': 1}}'. Wrong type. Expected '<class 'str'>', got '<class 'dict'>'"),
    ([{"op": "add", "path": "/x", "value": "1"}], "Adding a new attribute /x to the root of the resource is not allowed."),
    ([{"op": "add", "path": "/name", "value": "1"}],
     "The attribute /name has existed, please use 'replace' operation instead."),
    ([REMOVE_X], "Couldn't apply patch '[{'path': '/x', 'op': 'remove'}]'. Reason: can't remove a non-existent object 'x'"),
    ([replace("/labels/x", "1")],
     "Couldn't apply patch '[{'path': '/labels/x', 'op': 'replace', 'value': '1'}]'. "
     "Reason: can't replace a non-existent object 'x'"),
    ([replace("/uuid", "x")], "'/uuid' is an internal attribute and can not be updated"),
    ([replace("/created_at", "x")], "'/created_at' is an internal attribute and can not be updated"),
    ([{"op": "remove", "path": "/project_id"}], "'/project_id' is an internal attribute and can not be updated"),
    ([{"op": "remove", "path": "/coe"}], "'/coe' is a mandatory attribute and can not be removed"),
    ([{"op": "remove", "path": "/external_network_id"}],
     "'/external_network_id' is a mandatory attribute and can not be removed"),
    ([replace("/coe", "dcos")], f"{WRONG}coe. Value: 'dcos'. Value should be one of: kubernetes, swarm, swarm-mode, lxd"),
    ([replace("/docker_volume_size", "8")],
     f"{WRONG}docker_volume_size. Value: '8'. Wrong type. Expected '<class 'int'>', got '<class 'str'>'"),
    ([replace("/tls_disabled", "maybe")],
     f"{WRONG}tls_disabled. Value: 'maybe'. Wrong type. Expected '<class 'bool'>', got '<class 'str'>'"),
    ([replace("/flavor_id", "huge")], "Unable to find flavor huge."),
    ([replace("/driver", "nope")], "Cluster driver (nope) not supported."),
    ([replace("/labels", "[1]")], f"{WRONG}labels. Value: '[1]'. Wrong type. Expected '<class 'dict'>', got '<class 'list'>'"),
    ([replace("/labels", "{1: 2}")], f"{WRONG}labels. Value: '1'. Wrong type. Expected '<class 'str'>', got '<class 'int'>'"),
])  # fmt: skip
async def test_impossible_patches(member: Api, changes: Any, text: str) -> None:
    uuid = await member.template(external_network_id="public")
    before = (await member.get(f"/v1/clustertemplates/{uuid}")).json()
    answer = await member.patch(f"/v1/clustertemplates/{uuid}", changes)
    assert (answer.status_code, detail(answer)) == (400, text)
    assert (await member.get(f"/v1/clustertemplates/{uuid}")).json() == before


@pytest.mark.parametrize(
    "literal", ["{'a'", "__import__('os')", "(" * 5000, "x" * 70_000, "{'a': " * 5000, "'\\ud800'"]
)
async def test_text_that_is_no_literal(member: Api, literal: str) -> None:
    uuid = await member.template()
    answer = await member.patch(f"/v1/clustertemplates/{uuid}", [replace("/labels", literal)])
    assert answer.status_code == 400


async def test_the_body_is_checked_before_the_template_is_looked_up(member: Api) -> None:
    assert (await member.patch("/v1/clustertemplates/nope", {})).status_code == 400
    assert (await member.patch("/v1/clustertemplates/nope", [])).status_code == 404


async def test_publishing_is_for_administrators(member: Api, admin: Api) -> None:
    uuid = await member.template()
    assert (await member.patch(f"/v1/clustertemplates/{uuid}", [replace("/public", True)])).status_code == 403
    assert (await member.patch(f"/v1/clustertemplates/{uuid}", [replace("/public", False)])).status_code == 200
    answer = await admin.patch(f"/v1/clustertemplates/{uuid}", [replace("/public", True)])
    assert (answer.status_code, answer.json()["public"], answer.json()["project_id"]) == (200, True, "project-1")


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_verbs_that_miss_their_template(member: Api, method: str) -> None:
    answer = await member.call(method, "/v1/clustertemplates")
    assert (answer.status_code, detail(answer)) == (400, 'Missing argument: "cluster_template_ident"')


async def test_a_distribution_that_was_set_stays_until_the_image_changes(make: Maker) -> None:
    member = make(provider=FakeProvider(Cloud(), boot_s=0, catalogue=IMAGES)).as_("user-1")
    uuid = await member.template(image_id="named")
    path = f"/v1/clustertemplates/{uuid}"
    for changes, distro in (
        ([replace("/cluster_distro", "own")], "own"),
        ([replace("/labels", {"a": "b"})], "own"),
        ([replace("/image_id", "foreign")], "plan9"),
    ):
        assert (await member.patch(path, changes)).json()["cluster_distro"] == distro


async def test_a_tool_that_only_a_driver_of_another_package_knows(make: Maker) -> None:
    member = make(drivers={"fake": FakeDriver(), "hosts": FakeDriver(name="hosts", coe="hosts")}).as_("user-1")
    made = await member.post("/v1/clustertemplates", {**BODY, "coe": "hosts"})
    assert (made.status_code, made.json()["coe"]) == (201, "hosts")
    refused = await member.post("/v1/clustertemplates", {**BODY, "coe": "dcos"})
    assert detail(refused) == (
        f"{WRONG}coe. Value: 'dcos'. Value should be one of: kubernetes, swarm, swarm-mode, lxd, hosts"
    )
