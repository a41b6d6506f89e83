"""Commands of templates against a scripted service."""

import os
from collections.abc import Callable

import pytest

from .scripted import TEMPLATE, Service, refusal, sent

pytestmark = pytest.mark.sockets
Run = Callable[..., int]
Capture = pytest.CaptureFixture[str]


def test_template_create_sends_what_was_given_and_nothing_else(service: Service, run: Run, capsys: Capture) -> None:
    service.on("POST", "/v1/clustertemplates", 201, {"uuid": TEMPLATE, "name": "k8s"})
    service.on("GET", "/v1/clustertemplates/k8s", 200, {"uuid": TEMPLATE, "name": "k8s"})
    options = "--image node --server-type container --flavor small --control-plane-flavor big --external-network public"
    more = ("--dns", "8.8.8.8", "--label", "kube_tag=v1.34.4", "--label", "a=b=c", "--public", "--no-floating-ip")
    assert run("template", "create", "k8s", *options.split(), *more) == 0
    assert sent(service, "POST")[0] == (
        "/v1/clustertemplates",
        {
            "name": "k8s",
            "image_id": "node",
            "coe": "kubernetes",
            "flavor_id": "small",
            "master_flavor_id": "big",
            "external_network_id": "public",
            "dns_nameserver": "8.8.8.8",
            "labels": {"kube_tag": "v1.34.4", "a": "b=c"},
            "server_type": "container",
            "floating_ip_enabled": False,
            "public": True,
        },
    )
    assert capsys.readouterr().out == (
        f"Template k8s is there ({TEMPLATE}).\nNext: jeroboam cluster create NAME --template k8s --wait\n"
    )


def test_template_list_and_show(service: Service, run: Run, capsys: Capture) -> None:
    k8s = {
        "uuid": TEMPLATE,
        "name": "k8s",
        "coe": "kubernetes",
        "image_id": "node",
        "public": False,
        "labels": {"a": "1"},
    }
    service.on("GET", "/v1/clustertemplates", 200, {"clustertemplates": [k8s]})
    service.on("GET", "/v1/clustertemplates/k8s", 200, k8s | {"links": [{"rel": "self"}]})
    assert run("template", "list") == 0
    assert capsys.readouterr().out == (
        "NAME   UUID                                   COE          IMAGE   SERVER TYPE   FLAVOR   PUBLIC   LABELS\n"
        f"k8s    {TEMPLATE}   kubernetes   node    -             -        no       a=1\n"
    )
    assert run("template", "show", "k8s") == 0
    assert capsys.readouterr().out == (
        f"uuid       {TEMPLATE}\nname       k8s\ncoe        kubernetes\nimage_id   node\npublic     no\nlabels     a=1\n"
    )


def test_template_delete_goes_on_after_a_refusal(service: Service, run: Run, capsys: Capture) -> None:
    for name in ("a", "b"):
        service.on("GET", f"/v1/clustertemplates/{name}", 200, {"uuid": f"u-{name}", "name": name})
    service.on(
        "DELETE",
        "/v1/clustertemplates/u-a",
        400,
        refusal(400, "ClusterTemplate a is referenced by one or multiple clusters."),
    )
    service.on("DELETE", "/v1/clustertemplates/u-b", 204, None)
    assert run("template", "delete", "a", "b", "b") == 1
    shown = capsys.readouterr()
    assert shown.out == "Template b is deleted (u-b).\n"
    assert shown.err == "Error: ClusterTemplate a is referenced by one or multiple clusters.\n"
    assert [path for path, _ in sent(service, "DELETE")] == ["/v1/clustertemplates/u-a", "/v1/clustertemplates/u-b"]


@pytest.mark.parametrize(("answer", "options", "code"), [("n\n", (), 1), ("y\n", (), 0), ("", ("--yes",), 0)])
def test_template_delete_asks_on_a_terminal_unless_told_not_to(
    service: Service,
    run: Run,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    options: tuple[str, ...],
    code: int,
) -> None:
    service.on("GET", "/v1/clustertemplates/k8s", 200, {"uuid": TEMPLATE, "name": "k8s"})
    service.on("DELETE", f"/v1/clustertemplates/{TEMPLATE}", 204, None)
    keyboard, terminal = os.openpty()
    with open(terminal, "r+b", buffering=0) as raw, open(raw.fileno(), closefd=False) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
        os.write(keyboard, answer.encode())
        assert run("template", "delete", "k8s", *options) == code
    os.close(keyboard)
    assert len(sent(service, "DELETE")) == (0 if code else 1)
    assert capsys.readouterr().err.startswith("" if options else "Delete template k8s? [y/N] ")
