"""Section 2.1: bodies, keys, types, identifiers, lists, methods. What holds at every endpoint is tried at every endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from jeroboam.domain.names import parses_as_uuid

from .wire import ABSENT, HOST, WRONG, detail, plain

if TYPE_CHECKING:
    from tests.api.conftest import Api

BODIES = [
    ("POST", "/v1/clustertemplates", "cluster_template"),
    ("POST", "/v1/clusters", "cluster"),
    ("POST", "/v1/clusters/demo/nodegroups", "nodegroup"),
    ("POST", "/v1/clusters/demo/actions/resize", "cluster_resize_req"),
    ("POST", "/v1/clusters/demo/actions/upgrade", "cluster_upgrade_req"),
    ("POST", "/v1/certificates", "certificate"),
    ("POST", "/v1/quotas", "quota"),
    ("PATCH", "/v1/quotas/p/Cluster", "quota"),
    ("POST", "/v1/federations", "federation"),
]
PATCHES = [
    ("PATCH", "/v1/clustertemplates/k8s", "patch"),
    ("PATCH", "/v1/clusters/demo", "patch"),
    ("PATCH", "/v1/clusters/demo/nodegroups/default-worker", "patch"),
    ("PATCH", "/v1/federations/x", "patch"),
]


@pytest.mark.parametrize(("method", "path", "argument"), BODIES + PATCHES)
@pytest.mark.usefixtures("demo")
async def test_bodies(admin: Api, member: Api, method: str, path: str, argument: str) -> None:
    asked = (admin if "quotas" in path else member).at("latest")

    async def send(content: bytes, kind: str | None) -> tuple[int, str]:
        answer = await asked.call(method, path, content=content, headers={"Content-Type": kind} if kind else {})
        return answer.status_code, detail(answer)

    json = "application/json"
    assert await send(b"", json) == (400, f'Missing argument: "{argument}"')
    assert await send(b"", None) == (400, f'Missing argument: "{argument}"')
    assert await send(b"{", json) == (400, "Request is not in valid JSON format")
    assert await send(b"{}", "text/plain") == (415, "Unknown mimetype: text/plain")
    assert await send(b"{}", "application/xml") == (415, "Unknown mimetype: application/xml")
    assert await send(b"a=b", "application/x-www-form-urlencoded") == (400, 'Unknown argument: "a"')
    assert await send(b"a=b", None) == (400, 'Unknown argument: "a"')
    wrong = b"{}" if argument == "patch" else b"[]"
    for content in (b"null", b'"x"', b"5", b"true", wrong):
        status, text = await send(content, f"{json}; charset=utf-8")
        assert (status, text.startswith(f"{WRONG}{argument}. Value: '")) == (400, True)
    if argument != "patch":
        assert await send(b'{"colour": 1}', json) == (400, f"Unknown attribute for argument {argument}: colour")
        assert (await send(b"{}", "application/json-patch+json"))[0] == 415
    else:
        unknown = b'[{"op": "add", "path": "/x", "value": 1, "from": "/y"}]'
        assert await send(unknown, "application/json-patch+json") == (400, "Unknown attribute for argument patch: from")


@pytest.mark.parametrize("kind", ["application/octet-stream", "text/plain", "application/json", None])
@pytest.mark.parametrize(
    ("method", "path", "thing"),
    [
        ("DELETE", "/v1/clusters/nope", "Cluster"),
        ("DELETE", "/v1/clustertemplates/nope", "ClusterTemplate"),
        ("DELETE", "/v1/clusters/nope/nodegroups/x", "Cluster"),
        ("PATCH", "/v1/certificates/nope", "Cluster"),
        ("PATCH", "/v1/credentials/nope", "Cluster"),
    ],
)
async def test_requests_without_a_body_may_be_of_any_type(
    member: Api, kind: str | None, method: str, path: str, thing: str
) -> None:
    headers = {"Content-Type": kind, "Accept": "*/*"} if kind else {}
    answer = await member.at("latest").call(method, path, headers=headers)
    assert (answer.status_code, detail(answer)) == (404, f"{thing} nope could not be found.")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/clusters"),
        ("GET", "/v1/clusters/detail"),
        ("GET", "/v1/clusters/demo"),
        ("POST", "/v1/clusters"),
        ("PATCH", "/v1/clusters/demo"),
        ("DELETE", "/v1/clusters/demo"),
        ("POST", "/v1/clusters/demo/actions/resize"),
        ("GET", "/v1/clustertemplates"),
        ("GET", "/v1/clustertemplates/detail"),
        ("GET", "/v1/clustertemplates/k8s"),
        ("POST", "/v1/clustertemplates"),
        ("GET", "/v1/clusters/demo/nodegroups"),
        ("GET", "/v1/certificates/demo"),
        ("GET", "/v1/mservices"),
        ("GET", "/v1/stats"),
        ("GET", "/v1/quotas"),
        ("GET", "/v1/federations"),
    ],
)
async def test_unknown_parameters(member: Api, method: str, path: str) -> None:
    for name in ("colour", "detail", "name", "project_id" if "stats" not in path else "project"):
        answer = await member.at("latest").call(method, f"{path}?{name}=x")
        assert (answer.status_code, detail(answer)) == (400, f'Unknown argument: "{name}"')


READ_ONLY = [
    ("/v1/clustertemplates", {"coe": "kubernetes", "image_id": "fake-image"},
     "project_id user_id links created_at updated_at"),
    ("/v1/clusters", {"cluster_template_id": "k8s"},
     "stack_id cluster_id api_address coe_version container_version node_addresses master_addresses project_id user_id links "
     "created_at updated_at"),
    ("/v1/clusters/demo/nodegroups", {"name": "n"}, "project_id node_addresses stack_id links created_at updated_at"),
    ("/v1/quotas", {"project_id": "p"}, "id created_at updated_at"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "body", "names"), READ_ONLY)
@pytest.mark.usefixtures("demo")
async def test_read_only_keys(member: Api, path: str, body: dict[str, Any], names: str) -> None:
    for name in names.split():
        answer = await member.at("latest").post(path, {**body, name: "x"})
        text = f"{WRONG}{name}. Value: 'x'. Cannot set read only field."
        assert (answer.status_code, detail(answer)) == (400, text)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/clustertemplates", "image_id"),
        ("/v1/clusters", "cluster_template_id"),
        ("/v1/clusters/demo/nodegroups", "name"),
        ("/v1/clusters/demo/actions/resize", "node_count"),
        ("/v1/clusters/demo/actions/upgrade", "cluster_template"),
        ("/v1/certificates", "cluster_uuid"),
        ("/v1/quotas", "project_id"),
        ("/v1/federations", "hostcluster_id"),
    ],
)
async def test_mandatory_keys(member: Api, path: str, name: str) -> None:
    for body in ({}, {name: None}):
        answer = await member.at("latest").post(path, body)
        text = f"{WRONG}{name}. Value: 'None'. Mandatory field missing."
        assert (answer.status_code, detail(answer)) == (400, text)


@pytest.mark.parametrize(
    ("given", "kept"),
    [(5, 5), ("5", 5), (" 5 ", 5), (5.9, 5), ("+5", 5)],
)
async def test_integers_in_post(member: Api, given: Any, kept: int) -> None:
    await member.template(name="t", docker_volume_size=given)
    assert (await member.get("/v1/clustertemplates/t")).json()["docker_volume_size"] == kept


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        *((word, True) for word in (True, 1, "1", "t", "T", "true", "True", "TRUE", "on", "y", "yes", "YES")),
        *((word, False) for word in (False, 0, "0", "f", "false", "False", "off", "Off", "n", "no")),
        (None, False),
    ],
)
async def test_booleans_in_post(member: Api, given: Any, kept: bool) -> None:
    await member.template(name="t", tls_disabled=given)
    assert (await member.get("/v1/clustertemplates/t")).json()["tls_disabled"] is kept


@pytest.mark.parametrize("given", ["bogus", "", 2, 1.0, [], {}])
async def test_what_is_no_boolean(member: Api, given: Any) -> None:
    body = {"coe": "kubernetes", "image_id": "fake-image", "tls_disabled": given}
    answer = await member.post("/v1/clustertemplates", body)
    assert answer.status_code == 400
    assert detail(answer).startswith(f"{WRONG}tls_disabled. Value: '{given}'. Wrong type. Expected '<class 'bool'>'")


@pytest.mark.parametrize(
    ("given", "shown"),
    [("5", "5"), (5, "5"), (True, "True"), (False, "False"), (1.5, "1.5"), ("", ""), ("ü", "ü")],
)
async def test_label_values_are_text(member: Api, given: Any, shown: str) -> None:
    await member.template(name="t", labels={"k": given})
    assert (await member.get("/v1/clustertemplates/t")).json()["labels"] == {"k": shown}


# ---- identifiers


@pytest.mark.parametrize("path", ["/v1/clusters/{}", "/v1/clustertemplates/{}"])
async def test_a_uuid_by_its_exact_text(member: Api, demo: str, path: str) -> None:
    uuid = demo if "clusters/" in path else (await member.get("/v1/clustertemplates/k8s")).json()["uuid"]
    assert (await member.get(path.format(uuid))).status_code == 200
    for spelled in (uuid.upper(), uuid.replace("-", ""), f"{{{uuid}}}"):
        assert parses_as_uuid(spelled)
        assert (await member.get(path.format(spelled))).status_code == 404
    assert (await member.get(path.format("1"))).status_code == 404


@pytest.mark.parametrize("name", ["0b6e8f0eaaaa40008000000000000001", "0B6E8F0E-AAAA-4000-8000-000000000001"])
async def test_a_name_that_parses_as_a_uuid_is_not_found_by_it(member: Api, name: str) -> None:
    await member.template(name=name)
    assert (await member.get(f"/v1/clustertemplates/{name}")).status_code == 404


async def test_a_group_is_found_by_the_same_rule(member: Api, demo: str) -> None:
    asked = member.at("latest")
    uuid = (await asked.get("/v1/clusters/demo/nodegroups/default-worker")).json()["uuid"]
    assert (await asked.get(f"/v1/clusters/demo/nodegroups/{uuid}")).status_code == 200
    assert (await asked.get(f"/v1/clusters/demo/nodegroups/{uuid.upper()}")).status_code == 404


@pytest.mark.parametrize("path", ["clusters", "clustertemplates", "federations"])
async def test_detail_comes_after_the_collection_only(member: Api, demo: str, path: str) -> None:
    assert (await member.get(f"/v1/{path}/detail")).status_code == 200
    for ident in (demo, "nope"):
        answer = await member.get(f"/v1/{path}/{ident}/detail")
        assert (answer.status_code, detail(answer)) == (404, "The %(name)s resource %(id)s could not be found.")


# ---- lists

LISTS = {
    "clusters": (
        "id uuid name project_id user_id cluster_template_id keypair status status_reason api_address coe_version "
        "container_version discovery_url created_at updated_at labels flavor_id master_flavor_id fixed_network fixed_subnet "
        "floating_ip_enabled master_lb_enabled create_timeout stack_id docker_volume_size health_status health_status_reason"
    ),
    "clustertemplates": (
        "id uuid name project_id user_id public hidden tags created_at updated_at coe image_id flavor_id master_flavor_id "
        "keypair_id external_network_id fixed_network fixed_subnet dns_nameserver network_driver volume_driver server_type "
        "cluster_distro driver docker_storage_driver docker_volume_size apiserver_port http_proxy https_proxy no_proxy "
        "insecure_registry registry_enabled tls_disabled master_lb_enabled floating_ip_enabled labels"
    ),
    "clusters/demo/nodegroups": (
        "id uuid name project_id cluster_id node_count image_id flavor_id min_node_count max_node_count is_default status "
        "status_reason node_addresses version labels role docker_volume_size stack_id created_at updated_at"
    ),
    "quotas": "id project_id resource hard_limit created_at updated_at",
    "federations": "id uuid name project_id hostcluster_id status created_at",
}


@pytest.mark.parametrize(("path", "keys"), LISTS.items())
@pytest.mark.parametrize("direction", ["asc", "desc"])
async def test_every_sort_key(admin: Api, demo: str, path: str, keys: str, direction: str) -> None:
    asked = admin.at("latest")
    await admin.post("/v1/quotas", {"project_id": "admin"})
    wrapper = path.split("/")[-1]
    whole = {len((await asked.get(f"/v1/{path}")).json()[wrapper])}
    for key in keys.split():
        answer = await asked.get(f"/v1/{path}?sort_key={key}&sort_dir={direction}")
        assert (key, answer.status_code) == (key, 200)
        whole.add(len(answer.json()[wrapper]))
    assert whole == {{"clusters/demo/nodegroups": 2, "federations": 0}.get(path, 1)}


async def walked(asked: Api, path: str, query: str, limit: int) -> list[Any]:
    """What the pages hold, by their own links, which do not carry all_tenants along."""
    more = "&all_tenants=True" if path == "quotas" else ""
    url, seen = f"/v1/{path}?limit={limit}&{query}", []
    while url:
        body = (await asked.get(url + more)).json()
        seen += [one.get("uuid", one.get("id")) for one in body[path.split("/")[-1]]]
        url = body.get("next", "")
        assert len(seen) < 20
    return seen


@pytest.mark.parametrize(("path", "keys"), [one for one in LISTS.items() if one[0] != "federations"])
async def test_pages_hold_everything_once_by_every_sort_key(admin: Api, demo: str, path: str, keys: str) -> None:
    """With equal values and with some that are not there."""
    asked = admin.at("latest")
    await asked.template(name="t2", keypair_id="k", tags="a", docker_volume_size=5, http_proxy="p")
    await asked.template(name="t2")
    await asked.cluster(name="c2", cluster_template_id="k8s", discovery_url="u", docker_volume_size=5)
    await asked.cluster(name="c2", cluster_template_id="k8s")
    for project in ("p", "q", "r"):
        await asked.post("/v1/quotas", {"project_id": project, "hard_limit": 7})
    await asked.patch("/v1/quotas/q/Cluster", {"hard_limit": 8})
    for key in keys.split():
        for direction in ("asc", "desc"):
            query = f"sort_key={key}&sort_dir={direction}"
            whole = await walked(asked, path, query, 1000)
            assert (key, len(set(whole)), len(whole)) == (key, *[2 if "nodegroups" in path else 3] * 2)
            assert (key, await walked(asked, path, query, 1)) == (key, whole)


@pytest.mark.parametrize("path", [*LISTS, "clusters/detail", "clustertemplates/detail"])
@pytest.mark.parametrize(("query", "status", "text"), [
    ("limit=0", 400, "Limit must be positive"),
    ("limit=-3", 400, "Limit must be positive"),
    ("limit=-0", 400, "Limit must be positive"),
    ("limit=1.5", 400, f"{WRONG}limit. Value: '1.5'. Wrong type. Expected '<class 'int'>', got '<class 'str'>'"),
    ("limit=1e3", 400, f"{WRONG}limit. Value: '1e3'. Wrong type. Expected '<class 'int'>', got '<class 'str'>'"),
    ("LIMIT=1", 400, 'Unknown argument: "LIMIT"'),
    ("limit=two", 400, f"{WRONG}limit. Value: 'two'. Wrong type. Expected '<class 'int'>', got '<class 'str'>'"),
    ("limit=", 400, f"{WRONG}limit. Value: ''. Wrong type. Expected '<class 'int'>', got '<class 'str'>'"),
    ("sort_key=zz", 400, 'The sort_key value "zz" is an invalid field for sorting'),
    ("sort_key=shape", 400, 'The sort_key value "shape" is an invalid field for sorting'),
    ("sort_dir=up", 400, "Invalid sort direction: up. Acceptable values are 'asc' or 'desc'"),
    ("sort_dir=DESC", 400, "Invalid sort direction: DESC. Acceptable values are 'asc' or 'desc'"),
])  # fmt: skip
async def test_list_parameters(admin: Api, demo: str, path: str, query: str, status: int, text: str) -> None:
    answer = await admin.at("latest").get(f"/v1/{path}?{query}")
    assert (answer.status_code, detail(answer)) == (status, text)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("clusters", "Cluster"),
        ("clusters/detail", "Cluster"),
        ("clustertemplates", "ClusterTemplate"),
        ("clustertemplates/detail", "ClusterTemplate"),
        ("clusters/demo/nodegroups", "Nodegroup"),
        ("federations", "Federation"),
    ],
)
async def test_markers(admin: Api, demo: str, path: str, kind: str) -> None:
    asked = admin.at("latest")
    answer = await asked.get(f"/v1/{path}?marker={ABSENT}")
    assert (answer.status_code, detail(answer)) == (404, f"{kind} {ABSENT} could not be found.")
    answer = await asked.get(f"/v1/{path}?marker=demo")
    text = f"{WRONG}marker. Value: 'demo'. unable to convert to uuid. Error: Expected a uuid but received demo."
    assert (answer.status_code, detail(answer)) == (400, text)


@pytest.mark.parametrize("path", ["clusters", "clusters/detail", "clustertemplates", "clustertemplates/detail"])
async def test_next_is_there_exactly_when_the_page_is_full(member: Api, path: str) -> None:
    wrapper = path.split("/")[0]
    template = await member.template()
    for name in ("a", "b"):
        await member.cluster(name=name, cluster_template_id=template)
    await member.template(name="other")
    for query, limit, key, direction in (
        ("limit=2", 2, "id", "asc"),
        ("limit=1&sort_key=name", 1, "name", "asc"),
        ("sort_dir=desc&limit=2", 2, "id", "desc"),
    ):
        body = (await member.get(f"/v1/{path}?{query}")).json()
        marker = body[wrapper][-1]["uuid"]
        assert set(body) == {wrapper, "next"}
        assert body["next"] == f"{HOST}/v1/{path}?sort_key={key}&sort_dir={direction}&limit={limit}&marker={marker}"
    for query in ("limit=3", "", "limit=100000"):
        assert set((await member.get(f"/v1/{path}?{query}")).json()) == {wrapper}


async def test_the_same_names_are_ordered_by_id_in_both_directions(member: Api) -> None:
    template = await member.template()
    made = [await member.cluster(name="same", cluster_template_id=template) for _ in range(3)]
    for direction, expected in (("asc", made), ("desc", made[::-1])):
        url: str | None = f"/v1/clusters?sort_key=name&sort_dir={direction}&limit=1"
        seen = []
        while url:
            body = (await member.get(url)).json()
            seen += [one["uuid"] for one in body["clusters"]]
            url = body.get("next")
        assert seen == expected


# ---- methods

METHODS = [
    ("/v1/clusters", "PUT HEAD OPTIONS", "POST, GET"),
    ("/v1/clusters/x", "PUT POST HEAD OPTIONS", "GET, PATCH, DELETE"),
    ("/v1/clusters/detail", "PUT HEAD OPTIONS", "GET"),
    ("/v1/clustertemplates", "PUT HEAD OPTIONS", "POST, GET"),
    ("/v1/clustertemplates/x", "PUT POST HEAD OPTIONS", "GET, PATCH, DELETE"),
    ("/v1/clusters/x/nodegroups", "PUT HEAD OPTIONS", "POST, GET"),
    ("/v1/clusters/x/nodegroups/y", "PUT POST HEAD OPTIONS", "PATCH, DELETE, GET"),
    ("/v1/certificates", "GET DELETE PUT HEAD OPTIONS", "POST"),
    ("/v1/certificates/x", "DELETE POST PUT OPTIONS", "GET, PATCH"),
    ("/v1/credentials", "GET POST DELETE OPTIONS", ""),
    ("/v1/credentials/x", "GET POST DELETE PUT OPTIONS", "PATCH"),
    ("/v1/quotas", "PUT HEAD OPTIONS", "GET, POST"),
    ("/v1/quotas/p/Cluster", "POST PUT OPTIONS", "GET, PATCH, DELETE"),
    ("/v1/stats", "POST PATCH DELETE PUT HEAD OPTIONS", "GET"),
    ("/v1/mservices", "POST PATCH DELETE PUT HEAD OPTIONS", "GET"),
    ("/v1/mservices/1", "GET POST PATCH DELETE PUT HEAD OPTIONS", ""),
    ("/v1/clusters/x/actions", "GET POST PATCH DELETE PUT HEAD OPTIONS", ""),
    ("/v1/clusters/x/actions/resize", "GET PATCH DELETE PUT HEAD OPTIONS", ""),
    ("/v1/clusters/x/actions/upgrade", "GET PATCH DELETE PUT HEAD OPTIONS", ""),
    ("/v1/clusters/x/actions/reboot", "GET POST PATCH DELETE PUT HEAD OPTIONS", ""),
]


@pytest.mark.parametrize(("path", "methods", "allow"), METHODS)
@pytest.mark.parametrize("version", ["1.1", "1.14"])
async def test_methods_that_are_not_there(member: Api, path: str, methods: str, allow: str, version: str) -> None:
    for method in methods.split():
        answer = await member.at(version).call(method, path)
        assert (method, answer.status_code, answer.headers["allow"]) == (method, 405, allow)
        if method != "HEAD":
            assert answer.json() == plain(405)


@pytest.mark.parametrize(
    ("methods", "path", "argument"),
    [
        ("PATCH DELETE", "/v1/clusters", "cluster_ident"),
        ("PATCH DELETE", "/v1/clustertemplates", "cluster_template_ident"),
        ("PATCH DELETE", "/v1/clusters/demo/nodegroups", "nodegroup_id"),
        ("PATCH DELETE", "/v1/federations", "federation_ident"),
        ("PATCH DELETE", "/v1/quotas", "project_id"),
        ("GET PATCH DELETE", "/v1/quotas/project-1", "resource"),
        ("PATCH", "/v1/certificates", "cluster_ident"),
        ("PATCH", "/v1/credentials", "cluster_ident"),
    ],
)
async def test_verbs_that_miss_their_thing(member: Api, methods: str, path: str, argument: str) -> None:
    for method in methods.split():
        answer = await member.at("latest").call(method, path)
        assert (answer.status_code, detail(answer)) == (400, f'Missing argument: "{argument}"')
