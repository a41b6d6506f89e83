import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from jeroboam.cli.address import Address
from jeroboam.cli.client import Client
from jeroboam.cli.errors import BadAnswer, Refused, Unreachable, Usage

URL = "http://127.0.0.1:9511"
Handler = Callable[[httpx.Request], httpx.Response]


def client(handler: Handler, address: Address | None = None, *, verbose: bool = False) -> Client:
    return Client(address or Address(URL), verbose=verbose, transport=httpx.MockTransport(handler))


def always(status: int, **answer: object) -> Handler:
    return lambda request: httpx.Response(status, **answer)  # type: ignore[arg-type]


def test_the_newest_microversion_and_the_user_are_sent() -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"name": "demo"})

    address = Address(URL, username="ann", password="geheim")
    assert client(handler, address).cluster("de mo/x") == {"name": "demo"}
    assert str(seen[0].url) == "http://127.0.0.1:9511/v1/clusters/de%20mo%2Fx"
    assert seen[0].headers["OpenStack-API-Version"] == "container-infra latest"
    assert seen[0].headers["Authorization"] == f"Basic {base64.b64encode(b'ann:geheim').decode()}"


@pytest.mark.parametrize(
    ("answer", "message", "status"),
    [
        ({"errors": [{"detail": "Cluster x could not be found.", "title": "Cluster x"}]}, "Cluster x could not be found.", 404),
        ({"errors": [{"title": "Requested microversion is unsupported"}]}, "Requested microversion is unsupported.", 406),
        ({"error": {"code": 401, "message": "The request you have made requires authentication."}},
         "The request you have made requires authentication.", 401),
        ({"errors": []}, "The service answered with status 400.", 400),
        ([1], "The service answered with status 400.", 400),
    ],
)  # fmt: skip
def test_errors_are_one_sentence(answer: object, message: str, status: int) -> None:
    with pytest.raises(Refused) as refused:
        client(always(status, json=answer, headers={"x-openstack-request-id": "req-1"})).get("v1/clusters/x")
    assert refused.value.message == message
    assert (refused.value.status, refused.value.request_id, refused.value.exit_code) == (status, "req-1", 1)


def test_hints_of_missing_credentials_and_of_the_service_s_own_errors() -> None:
    with pytest.raises(Refused) as refused:
        client(always(401, json={})).get("v1/clusters")
    assert refused.value.hint == (
        "Name a cloud of your clouds.yaml with --os-cloud; it needs auth_type http_basic, username and password."
    )
    with pytest.raises(Refused) as refused:
        client(always(500, text="<html>", headers={"x-openstack-request-id": "req-9"})).get("v1/clusters")
    assert refused.value.message == "The service answered with status 500."
    assert refused.value.hint == "The operator finds it in the service's log by req-9."


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        ({"text": "<html>", "headers": {"content-type": "text/html"}}, "the answer is text/html, not JSON"),
        ({"json": [1]}, "/v1/clusters is not a JSON object"),
        ({"json": {"bays": []}}, "/v1/clusters has no list 'clusters'"),
    ],
)
def test_another_service_at_the_address_is_told_from_ours(answer: dict[str, object], what: str) -> None:
    with pytest.raises(BadAnswer) as bad:
        client(always(200, **answer)).entries("v1/clusters", "clusters")
    assert bad.value.message == f"What answers at http://127.0.0.1:9511 is no Jeroboam: {what}."


def test_a_redirect_is_no_answer() -> None:
    with pytest.raises(BadAnswer):
        client(always(302, headers={"location": "http://elsewhere"})).get("v1/clusters")


def raising(error: Exception) -> Handler:
    def handler(request: httpx.Request) -> httpx.Response:
        raise error

    return handler


@pytest.mark.parametrize(
    ("error", "address", "message", "hint"),
    [
        (httpx.ConnectError("refused"), Address(URL), "No service answers at http://127.0.0.1:9511.",
         "Start one with `jeroboam up`, or name another with --url or --os-cloud."),
        (httpx.ConnectError("refused"), Address("http://h:1", "OS_CLOUD"), "No service answers at http://h:1.",
         "The address comes from OS_CLOUD; check it, and that the service runs."),
        (httpx.ConnectTimeout("late"), Address("http://h:1", "--url"), "No service answers at http://h:1 within 5 s.",
         "The address comes from --url; check it, and that the service runs."),
        (httpx.ReadTimeout("late"), Address(URL), "The service at http://127.0.0.1:9511 did not answer within 60 s.", "Try again."),
        (httpx.RemoteProtocolError("gone"), Address(URL), "The connection to http://127.0.0.1:9511 broke (gone).", "Try again."),
        (httpx.ConnectError("[SSL: WRONG_VERSION_NUMBER] wrong version number"), Address("https://h:1", "--url"),
         "The service at https://h:1 answers, but not with TLS.", "Write http://h:1 in --url."),
        (httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED]"), Address("https://h"), "The certificate of https://h is not trusted.",
         "Set `cacert` of the cloud in clouds.yaml to the file of the CA that signed it."),
    ],
)  # fmt: skip
def test_a_service_that_is_not_there(error: Exception, address: Address, message: str, hint: str) -> None:
    with pytest.raises(Unreachable) as away:
        client(raising(error), address).get("v1/clusters")
    assert (away.value.message, away.value.hint) == (message, hint)


def test_lists_follow_next_on_the_own_address() -> None:
    asked: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        if "marker" in request.url.params:
            return httpx.Response(200, json={"clusters": [{"uuid": "c"}]})
        return httpx.Response(
            200, json={"clusters": [{"uuid": "a"}, {"uuid": "b"}], "next": "http://inside/v1/clusters?limit=2&marker=b"}
        )

    assert client(handler).entries("v1/clusters", "clusters") == [{"uuid": "a"}, {"uuid": "b"}, {"uuid": "c"}]
    assert asked == ["http://127.0.0.1:9511/v1/clusters", "http://127.0.0.1:9511/v1/clusters?limit=2&marker=b"]


def test_a_list_that_names_itself_as_next_ends() -> None:
    page = {"clusters": [{"uuid": "a"}], "next": "http://h/v1/clusters?marker=a"}
    assert client(always(200, json=page)).entries("v1/clusters", "clusters") == [{"uuid": "a"}, {"uuid": "a"}]
    assert client(always(200, json=page)).entries("v1/clusters", "clusters", limit=1) == [{"uuid": "a"}]


def test_an_ambiguous_name_names_the_uuids() -> None:
    same = [
        {"uuid": "u1", "name": "demo", "status": "CREATE_COMPLETE"},
        {"uuid": "u2", "name": "demo", "status": "CREATE_FAILED"},
    ]

    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/clusters":
            return httpx.Response(200, json={"clusters": [*same, {"uuid": "u3", "name": "other"}]})
        return httpx.Response(409, json={"errors": [{"detail": "Multiple clusters exist with same name."}]})

    with pytest.raises(Refused) as refused:
        client(handler).cluster("demo")
    assert refused.value.message == "Several clusters are called 'demo'."
    assert refused.value.hint == "Name one by its uuid: u1 (CREATE_COMPLETE), u2 (CREATE_FAILED)."


@pytest.mark.parametrize("ident", ["", ".", ".."])
def test_what_no_path_can_hold_is_refused(ident: str) -> None:
    with pytest.raises(Usage):
        client(always(200, json={})).cluster(ident)


def test_requests_are_shown_without_credentials(capsys: pytest.CaptureFixture[str]) -> None:
    handler = always(200, json={}, headers={"x-openstack-request-id": "req-1"})
    client(handler, Address(URL, username="ann", password="geheim"), verbose=True).get("v1/stats", {"project_id": "p"})
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("GET http://127.0.0.1:9511/v1/stats?project_id=p -> 200 in ")
    assert shown.err.endswith(" ms req-1\n")
    assert "geheim" not in shown.err
    assert base64.b64encode(b"ann:geheim").decode() not in shown.err


def test_the_service_s_clock_is_learned_when_it_differs() -> None:
    ahead = datetime.now(UTC) + timedelta(hours=1)
    asking = client(always(200, json={}, headers={"date": format_datetime(ahead, usegmt=True)}))
    assert abs(asking.now() - datetime.now(UTC)) < timedelta(seconds=1)
    asking.get("v1/stats")
    assert timedelta(minutes=59) < asking.now() - datetime.now(UTC) < timedelta(minutes=61)


def test_a_missing_ca_file_is_named() -> None:
    with pytest.raises(Usage) as refused:
        Client(Address("https://h", "cloud x", cacert="/nowhere/ca.pem"))
    assert refused.value.message.startswith("cacert '/nowhere/ca.pem' of cloud x cannot be read: ")


@pytest.mark.parametrize("answer", [{"json": ["uuid"]}, {"json": {"id": "1"}}, {"content": b""}])
def test_a_good_answer_without_what_is_needed_is_no_jeroboam(answer: dict[str, object]) -> None:
    with pytest.raises(BadAnswer, match="the answer to POST /v1/clusters has no 'uuid'"):
        client(always(202, **answer)).post("v1/clusters", {}, needs="uuid")
    assert client(always(202, json={"uuid": "1"})).post("v1/clusters", {}, needs="uuid").document == {"uuid": "1"}
