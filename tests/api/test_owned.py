"""What is another project's is not there: for every route that names a cluster, a template, a node group or an operation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.api.owned import Things, csr, requests

if TYPE_CHECKING:
    from tests.api.conftest import Api


async def things(api: Api) -> Things:
    template = await api.template()
    cluster = await api.cluster(cluster_template_id=template)
    assert await api.finished(cluster) == "succeeded"
    group = (await api.get(f"/v1/clusters/{cluster}/nodegroups")).json()["nodegroups"][0]["uuid"]
    operation = (await api.get(f"/ext/v1/clusters/{cluster}/operations")).json()["operations"][0]["uuid"]
    return Things(cluster, template, group, operation)


async def test_every_route_answers_404_for_what_is_another_projects(anonymous: Api) -> None:
    owner, stranger = (anonymous.as_(f"user-{one}", f"project-{one}").at("latest") for one in (1, 2))
    theirs, own = await things(owner), await things(stranger)
    asked = set()
    for route, path, body in requests(theirs, own):
        answer = await stranger.call(route.method, path, json=body)
        assert answer.status_code == 404, (route.method, path, answer.text)
        asked.add((route.method, route.path))
    assert len(asked) >= 27
    for route, path, _ in requests(theirs, own):  # the paths are right, and nothing was changed
        if route.method == "GET" and route.media_type == "application/json":
            assert (await owner.get(path)).status_code == 200, path
    kinds = [
        one["kind"] for one in (await owner.get(f"/ext/v1/clusters/{theirs.cluster}/operations")).json()["operations"]
    ]
    assert kinds == ["create"]


async def test_what_is_another_projects_cannot_be_named_in_a_body(anonymous: Api) -> None:
    owner, stranger = (anonymous.as_(f"user-{one}", f"project-{one}").at("latest") for one in (1, 2))
    theirs = await things(owner)
    for path in ("/v1/clusters", "/ext/v1/clusters/plan"):
        answer = await stranger.call("POST", path, json={"cluster_template_id": theirs.template, "name": "x"})
        assert answer.status_code == 404, answer.text
    answer = await stranger.call("POST", "/v1/certificates", json={"cluster_uuid": theirs.cluster, "csr": csr()})
    assert answer.status_code == 400
    assert f"Cluster {theirs.cluster} could not be found" in answer.text
