"""The merge: the entry is in, everything else is as it was, and doing it twice is doing it once."""

import base64
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jeroboam.cli.errors import Usage
from jeroboam.cli.kubeconfig import Entry, context_namespace, document, merge

ENTRY = Entry("demo", "https://127.0.0.1:6443", "u-1", "CA", "CERT", "KEY")
RENEWED = Entry("demo", "https://127.0.0.1:7443", "u-1", "CA2", "CERT2", "KEY2")
PLAIN = """\
apiVersion: v1
kind: Config
clusters:
- name: demo
  cluster:
    server: https://127.0.0.1:6443
    certificate-authority-data: Q0E=
    extensions:
    - name: jeroboam
      extension:
        cluster-uuid: u-1
users:
- name: demo
  user:
    client-certificate-data: Q0VSVA==
    client-key-data: S0VZ
contexts:
- name: demo
  context:
    cluster: demo
    user: demo
current-context: demo
"""
MINE = """\
# kept by hand
apiVersion: v1
kind: Config
clusters:   # all of them
- cluster:
    server: https://192.0.2.1   # prod
    proxy-url: http://proxy
  name: prod
# between
contexts:
    - context: {cluster: prod, user: me, namespace: yes}
      name: prod
current-context: prod # today
preferences: {}
users: []
x-unknown: [1, 0x10, 2026-01-01]
# the end
"""


def test_a_new_file() -> None:
    assert document(ENTRY) == PLAIN
    assert merge("", ENTRY) == PLAIN
    assert merge("# mine\n", ENTRY) == f"# mine\n{PLAIN}"
    assert merge("null\n", ENTRY) == PLAIN


def test_comments_layout_and_values_of_others_stay() -> None:
    assert merge(MINE, ENTRY) == """\
# kept by hand
apiVersion: v1
kind: Config
clusters:   # all of them
- cluster:
    server: https://192.0.2.1   # prod
    proxy-url: http://proxy
  name: prod
- name: demo
  cluster:
    server: https://127.0.0.1:6443
    certificate-authority-data: Q0E=
    extensions:
    - name: jeroboam
      extension:
        cluster-uuid: u-1
# between
contexts:
    - context: {cluster: prod, user: me, namespace: yes}
      name: prod
    - name: demo
      context:
        cluster: demo
        user: demo
current-context: demo # today
preferences: {}
users:
- name: demo
  user:
    client-certificate-data: Q0VSVA==
    client-key-data: S0VZ
x-unknown: [1, 0x10, 2026-01-01]
# the end
"""  # fmt: skip


def test_no_current_leaves_the_current_context() -> None:
    entry = Entry("demo", "https://h", "u", "CA", "CERT", "KEY", current=False)
    assert "current-context: prod # today\n" in merge(MINE, entry)
    assert "current-context" not in merge("", entry)


def test_renewing_keeps_namespace_proxy_and_what_is_unknown() -> None:
    text = PLAIN.replace("    user: demo\n", "    user: demo\n    namespace: shop\n    x: 1\n").replace(
        "    server: https", "    proxy-url: http://proxy\n    server: https"
    )
    found = yaml.safe_load(merge(text, RENEWED))
    assert found["contexts"] == [
        {"name": "demo", "context": {"cluster": "demo", "user": "demo", "namespace": "shop", "x": 1}}
    ]
    assert found["clusters"][0]["cluster"] == {
        "proxy-url": "http://proxy",
        "server": "https://127.0.0.1:7443",
        "certificate-authority-data": "Q0Ey",
        "extensions": [{"name": "jeroboam", "extension": {"cluster-uuid": "u-1"}}],
    }
    assert found["users"] == [
        {"name": "demo", "user": {"client-certificate-data": "Q0VSVDI=", "client-key-data": "S0VZMg=="}}
    ]
    assert context_namespace(text, "demo") == "shop"
    assert context_namespace(text, "other") == ""


def test_other_ways_to_log_in_and_insecure_settings_go() -> None:
    text = PLAIN.replace("    client-key-data: S0VZ", "    client-key: /k\n    token: t\n    exec: {command: x}")
    text = text.replace(
        "certificate-authority-data: Q0E=", "insecure-skip-tls-verify: true\n    certificate-authority: /ca"
    )
    assert yaml.safe_load(merge(text, ENTRY)) == yaml.safe_load(PLAIN)


def test_without_tls_there_are_no_credentials() -> None:
    found = yaml.safe_load(document(Entry("demo", "http://h:8080", "u")))
    assert found["users"] == [{"name": "demo", "user": {}}]
    assert "certificate-authority-data" not in found["clusters"][0]["cluster"]


@pytest.mark.parametrize(
    "text",
    [
        '{"apiVersion":"v1","kind":"Config","clusters":null,"users":[{"name":"a","user":{"token":"0123"}}]}',
        "apiVersion: v1\nclusters:\nusers:\ncontexts:\ncurrent-context:\n",
        'clusters: [{name: a, cluster: {server: "https://x"}}]\ncurrent-context: ""',
        "apiVersion: v1\r\nkind: Config\r\nclusters:\r\n- name: a\r\n  cluster:\r\n    server: https://x\r\n",
        "---\nkind: Config\nusers:\n- name: a\n  user: &u\n    token: |\n      abc\n      def\n\n- name: b\n  user: *u\n...\n",
        "users:\n  - name: a\n    user:\n      password: 'it''s'\n\n\n",
    ],
)
def test_every_style_of_file_keeps_its_values(text: str) -> None:
    before = yaml.safe_load(text)
    merged = merge(text, ENTRY)
    after = yaml.safe_load(merged)
    assert others(after) == others(before)
    assert_entry(after, ENTRY)
    assert merge(merged, ENTRY) == merged


def test_line_ends_of_the_file_are_used() -> None:
    merged = merge("kind: Config\r\nclusters:\r\n- name: a\r\n  cluster: {server: x}\r\n", ENTRY)
    assert merged.count("\n") == merged.count("\r\n") > 10


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello", "not a mapping, as a kubeconfig is"),
        ("- a", "not a mapping, as a kubeconfig is"),
        ("a: [", "not valid YAML (line 1)"),
        ("a: 1\n---\nb: 2\n", "not valid YAML (line 2)"),
        ("kind: Pod", "its `kind` is not Config"),
        ("apiVersion: v2", "its `apiVersion` is not v1"),
        ("clusters: 5", "its `clusters` is not a list"),
        ("users: [{user: {}}]", "an entry of its `users` is not `name` and `user`"),
        ("contexts: [x]", "an entry of its `contexts` is not `name` and `context`"),
        ("contexts: [{name: x, context: 5}]", "an entry of its `contexts` is not `name` and `context`"),
        ("[" * 3000, "not valid YAML"),
    ],
)
def test_what_is_no_kubeconfig_is_refused(text: str, message: str) -> None:
    with pytest.raises(Usage) as refused:
        merge(text, ENTRY)
    assert refused.value.message == message


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("clusters: [{name: demo, cluster: {server: https://prod}}]", "cluster"),
        ("users: [{name: demo, user: {token: t}}]", "user"),
        ("contexts: [{name: demo, context: {cluster: prod, user: me}}]", "context"),
    ],
)
def test_an_entry_of_somebody_else_is_not_overwritten_unasked(text: str, kind: str) -> None:
    with pytest.raises(Usage) as refused:
        merge(text, ENTRY)
    assert refused.value.message == f"it has a {kind} 'demo' that is not Jeroboam's"
    assert refused.value.hint == "Choose another name with --context NAME, or replace the entry with --overwrite."
    assert_entry(yaml.safe_load(merge(text, ENTRY, overwrite=True)), ENTRY)


def test_the_entry_of_another_cluster_of_the_same_name_is_not_replaced_unasked() -> None:
    other = Entry("demo", "https://127.0.0.1:8443", "u-2", "CA2", "CERT2", "KEY2")
    with pytest.raises(Usage) as refused:
        merge(PLAIN, other)
    assert refused.value.message == "its entry 'demo' is that of another cluster, u-1"
    assert refused.value.hint == "Choose another name with --context NAME, or replace the entry with --overwrite."
    assert_entry(yaml.safe_load(merge(PLAIN, other, overwrite=True)), other)
    assert_entry(yaml.safe_load(merge(PLAIN.replace("        cluster-uuid: u-1\n", "        x: 1\n"), other)), other)


def test_a_key_is_not_in_the_repr() -> None:
    assert "KEY" not in repr(ENTRY)


def others(config: dict[str, Any]) -> dict[str, Any]:
    """The file without what belongs to `demo`; an absent section and an empty one mean the same."""
    rest = {key: value for key, value in config.items() if key != "current-context"}
    for section in ("clusters", "users", "contexts"):
        rest[section] = [item for item in config.get(section) or [] if item["name"] != "demo"]
    return rest


def assert_entry(config: dict[str, Any], entry: Entry) -> None:
    cluster, user, context = (
        next(item for item in config[section] if item["name"] == entry.name)
        for section in ("clusters", "users", "contexts")
    )
    assert cluster["cluster"]["server"] == entry.server
    assert base64.b64decode(user["user"]["client-key-data"]).decode() == entry.key_pem
    assert (context["context"]["cluster"], context["context"]["user"]) == (entry.name, entry.name)
    assert config["current-context"] == entry.name


NAMES = st.sampled_from(["prod", "demo-2", "a b", "ünï", "yes", "1", "x: y", "#h"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8", exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc-", min_size=1), inner, max_size=3),
    max_leaves=6,
)
BODIES = st.dictionaries(
    st.sampled_from(["server", "token", "namespace", "proxy-url", "extensions", "x"]), VALUES, max_size=4
)


@st.composite
def kubeconfigs(draw: st.DrawFn) -> str:
    config: dict[str, Any] = {"apiVersion": "v1", "kind": "Config"}
    for section in ("clusters", "users", "contexts"):
        kind = draw(st.sampled_from(["absent", "null", "list"]))
        if kind == "null":
            config[section] = None
        elif kind == "list":
            names = draw(st.lists(NAMES, unique=True, max_size=3))
            config[section] = [{"name": name, section[:-1]: draw(BODIES)} for name in names]
    if draw(st.booleans()):
        config["current-context"] = draw(NAMES)
    config |= draw(st.dictionaries(st.sampled_from(["preferences", "x-more", "extensions"]), VALUES, max_size=2))
    config = dict(draw(st.permutations(list(config.items()))))
    flow, indent = draw(st.sampled_from([False, None, True])), draw(st.sampled_from([2, 4]))
    text: str = yaml.safe_dump(
        config, default_flow_style=flow, indent=indent, sort_keys=False, allow_unicode=draw(st.booleans())
    )
    return draw(st.sampled_from(["", "# top\n"])) + text + draw(st.sampled_from(["", "# end\n", "\n\n"]))


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(kubeconfigs())
def test_nothing_else_changes_and_twice_is_once(text: str) -> None:
    before = yaml.safe_load(text)
    merged = merge(text, ENTRY)
    after = yaml.safe_load(merged)
    assert others(after) == others(before)
    assert_entry(after, ENTRY)
    assert merge(merged, ENTRY) == merged
    renewed = yaml.safe_load(merge(merged, RENEWED))
    assert others(renewed) == others(before)
    assert_entry(renewed, RENEWED)


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(kubeconfigs())
def test_comments_of_block_style_stay(text: str) -> None:
    lines = [line for line in text.splitlines() if line.startswith("#")]
    merged = merge(text, ENTRY).splitlines()
    if "{" not in text and "[" not in text:
        assert [line for line in merged if line.startswith("#")] == lines
