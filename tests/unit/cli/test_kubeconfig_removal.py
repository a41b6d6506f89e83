"""A cluster's entries go, and everything else in the kubeconfig is as it was."""

import os
import stat
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from jeroboam.cli import access_removal, docker_context, lxc_folder
from jeroboam.cli.errors import Usage
from jeroboam.cli.kubeconfig import Entry, merge
from jeroboam.cli.kubeconfig_file import merge_into, remove_from
from jeroboam.cli.kubeconfig_removal import remove

DEMO = Entry("demo", "https://127.0.0.1:6443", "uuid-1", "CA", "CERT", "KEY")
MINE = """\
# kept by hand
apiVersion: v1
kind: Config
clusters:   # all of them
- cluster:
    server: https://192.0.2.1   # prod
  name: prod
# between
contexts:
    - context: {cluster: prod, user: me, namespace: yes}
      name: prod
current-context: prod # today
preferences: {}
users:
# nobody else's
- name: me
  user: {token: geheim}
x-unknown: [1, 0x10, 2026-01-01]
# the end
"""


def left_of(text: str, uuid: str = "uuid-1") -> str:
    removal = remove(text, uuid)
    assert removal is not None
    return removal.text


def test_what_was_merged_goes_without_a_trace() -> None:
    removal = remove(merge(MINE, Entry(**{**vars(DEMO), "current": False})), "uuid-1")
    assert removal is not None
    assert removal.text == MINE
    assert (removal.names, removal.was_current) == (("demo",), False)


def test_windows_lines_stay() -> None:
    mine = MINE.replace("\n", "\r\n")
    assert left_of(merge(mine, Entry(**{**vars(DEMO), "current": False}))) == mine


def test_the_last_entries_leave_empty_lists_and_no_current_context() -> None:
    removal = remove("# mine\n" + merge("", DEMO), "uuid-1")
    assert removal is not None
    assert removal.text == (
        '# mine\napiVersion: v1\nkind: Config\nclusters: []\nusers: []\ncontexts: []\ncurrent-context: ""\n'
    )
    assert removal.was_current is True


def test_the_first_the_middle_and_the_last_of_several() -> None:
    entries = [Entry(name, "https://h", f"u-{name}", "CA", "CERT", "KEY", current=False) for name in ("a", "b", "c")]
    text = "kind: Config\n"
    for entry in entries:
        text = merge(text, entry)
    for gone in ("a", "b", "c"):
        found = yaml.safe_load(left_of(text, f"u-{gone}"))
        for section in ("clusters", "users", "contexts"):
            assert [one["name"] for one in found[section]] == [name for name in ("a", "b", "c") if name != gone]


def test_another_cluster_s_entry_of_the_name_stays() -> None:
    assert remove(merge(MINE, DEMO), "uuid-2") is None
    assert remove(MINE, "uuid-1") is None
    assert remove("", "uuid-1") is None
    assert remove(merge("", Entry(**{**vars(DEMO), "cluster_uuid": ""})), "") is None


def test_every_context_that_leads_there_goes_and_a_user_in_use_stays() -> None:
    config = yaml.safe_load(merge("", DEMO))
    config["contexts"] += [
        {"name": "shop", "context": {"cluster": "demo", "user": "me", "namespace": "shop"}},
        {"name": "elsewhere", "context": {"cluster": "prod", "user": "demo"}},
    ]
    config["users"].append({"name": "me", "user": {}})
    config["current-context"] = "elsewhere"
    removal = remove(yaml.safe_dump(config, sort_keys=False), "uuid-1")
    assert removal is not None
    assert (removal.names, removal.was_current) == (("demo", "shop"), False)
    found = yaml.safe_load(removal.text)
    assert [one["name"] for one in found["contexts"]] == ["elsewhere"]
    assert [one["name"] for one in found["users"]] == ["demo", "me"]
    assert found["clusters"] == []
    assert found["current-context"] == "elsewhere"


def test_where_lines_cannot_be_cut_the_values_stay() -> None:
    flow = """\
clusters: [{name: demo, cluster: {server: s, extensions: [{name: jeroboam, extension: {cluster-uuid: uuid-1}}]}}, {name: b}]
users: [{name: demo, user: {}}, {name: b-c, user: {}}]
contexts: [{name: demo, context: {cluster: demo, user: demo}}]
current-context: demo
other: 0x10 # gone
"""
    assert yaml.safe_load(left_of(flow)) == {
        "clusters": [{"name": "b"}],
        "users": [{"name": "b-c", "user": {}}],
        "contexts": [],
        "current-context": "",
        "other": 16,
    }


NAMES = st.lists(st.sampled_from(["a", "b-1", "c.d", "- e", "f: g", "#h"]), unique=True, min_size=1, max_size=5)


@given(names=NAMES, gone=st.integers(0, 4), current=st.booleans(), comment=st.booleans())
@settings(deadline=None)
def test_removing_is_the_opposite_of_merging(names: list[str], gone: int, current: bool, comment: bool) -> None:
    gone %= len(names)
    start = MINE if comment else ""
    with_it = without = start
    for index, name in enumerate(names):
        entry = Entry(name, "https://h", f"uuid-{index}", "CA", "CERT", "KEY", current=current and index == gone)
        with_it = merge(with_it, entry)
        without = merge(without, entry) if index != gone else without
    found, expected = yaml.safe_load(left_of(with_it, f"uuid-{gone}")), yaml.safe_load(without) or {}
    for section in ("clusters", "users", "contexts"):
        assert found[section] == expected.get(section, [])
    assert found.get("current-context") == ("" if current else expected.get("current-context"))


def test_the_file_is_replaced_whole_and_private(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(MINE)
    merge_into(path, DEMO)
    removal = remove_from(path, "uuid-1")
    assert removal is not None
    assert removal.was_current
    assert path.read_text() == MINE.replace("current-context: prod", 'current-context: ""')
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["config"]


@pytest.mark.parametrize("content", [None, b"hello", b"\xff", MINE.encode()])
def test_a_file_without_the_cluster_is_not_touched(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "config"
    if content is not None:
        path.write_bytes(content)
        path.chmod(0o644)
    (tmp_path / "config.lock").touch()
    assert remove_from(path, "uuid-1", lock_s=0.1) is None
    assert (
        not path.exists() if content is None else (path.read_bytes(), path.stat().st_mode & 0o777) == (content, 0o644)
    )


def test_a_locked_file_is_told_and_left(tmp_path: Path) -> None:
    path = tmp_path / "config"
    merge_into(path, DEMO)
    (tmp_path / "config.lock").touch()
    with pytest.raises(Usage, match="is locked by"):
        remove_from(path, "uuid-1", lock_s=0.1)
    assert "uuid-1" in path.read_text()


def test_every_file_of_kubectl_is_looked_at(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, broken, last = (tmp_path / name for name in ("first", "broken", "last"))
    merge_into(first, DEMO)
    broken.write_text("uuid-1: [")
    merge_into(last, Entry(**{**vars(DEMO), "name": "again", "current": False}))
    environ = {"HOME": str(tmp_path), "KUBECONFIG": f"{first}:{broken}:{tmp_path / 'none'}:{last}"}
    assert access_removal.remove("uuid-1", environ) == [
        f"Context demo is removed from {first}, and no context is the current one now.",
        f"Context again is removed from {last}.",
    ]
    assert capsys.readouterr().err == f"Warning: {broken} was left alone: not valid YAML (line 1).\n"
    assert access_removal.remove("uuid-1", {"HOME": str(tmp_path)}) == []


def test_several_contexts_and_every_tool(tmp_path: Path) -> None:
    environ = {name: str(tmp_path) for name in ("HOME", "DOCKER_CONFIG", "XDG_CONFIG_HOME")}
    for name in ("demo", "work"):
        entry = Entry(**{**vars(DEMO), "name": name, "current": False})
        merge_into(tmp_path / ".kube" / "config", entry)
        pems = ("CA", "CERT", "KEY")
        docker_context.put(tmp_path, docker_context.DockerContext(name, "tcp://192.0.2.1:2376", "uuid-1", *pems))
    folder = lxc_folder.place(environ, "demo")
    lxc_folder.put(folder, lxc_folder.LxcFolder("demo", "https://192.0.2.1:8443", "uuid-1", "CA", "CERT", "KEY"))
    kube, docker, lxc = access_removal.remove("uuid-1", environ)
    assert kube == f"Contexts demo, work are removed from {tmp_path}/.kube/config."
    assert docker.startswith("Docker contexts ")
    assert docker.endswith(" are removed.")
    assert lxc == f"The folder {folder} of lxc is removed."
