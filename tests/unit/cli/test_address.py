import os
from pathlib import Path

import pytest

from jeroboam.cli.address import Address, find
from jeroboam.cli.errors import Usage

CLOUDS = """
clouds:
  open:
    auth_type: none
    auth: {endpoint: "http://10.0.0.1:9511/v1"}
  private:
    auth_type: http_basic
    auth: {endpoint: "https://magnum.example.org/container-infra/", username: ann}
    cacert: ~/ca.pem
  override:
    auth_type: none
    auth: {endpoint: "http://10.0.0.1:5000"}
    container_infra_endpoint_override: "http://10.0.0.2:9511"
  keystone:
    auth: {auth_url: "http://10.0.0.1:5000/v3", username: ann, password: geheim}
  empty:
    auth_type: none
  halfbasic:
    auth_type: http_basic
    auth: {endpoint: "http://10.0.0.1:9511", username: ann}
"""


@pytest.fixture
def clouds(tmp_path: Path) -> Path:
    (tmp_path / "clouds.yaml").write_text(CLOUDS)
    (tmp_path / "secure.yaml").write_text("clouds: {private: {auth: {password: geheim}}}")
    return tmp_path


def test_this_machine_when_nothing_is_named(tmp_path: Path) -> None:
    assert find(None, None, {}, tmp_path) == Address("http://127.0.0.1:9511", "the default address")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://h:9511", "http://h:9511"),
        ("http://h:9511/", "http://h:9511"),
        ("http://h:9511/v1/", "http://h:9511"),
        ("https://h/container-infra/v1", "https://h/container-infra"),
        ("http://[::1]:9511/v1", "http://[::1]:9511"),
    ],
)
def test_an_address_works_with_and_without_the_version(url: str, expected: str, tmp_path: Path) -> None:
    assert find(url, None, {}, tmp_path).url == expected


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("h:9511", "--url: 'h:9511' is not an http or https address."),
        ("ftp://h", "--url: 'ftp://h' is not an http or https address."),
        ("http://", "--url: 'http://' is not an http or https address."),
        ("http://h:99999", "--url: 'http://h:99999' is not an address (Port out of range 0-65535)."),
        ("http://h/?a=b", "--url: 'http://h/?a=b' must not hold a query or a fragment."),
        ("http://ann:geheim@h", "--url: the address must not hold a user or a password."),
    ],
)
def test_a_wrong_address_is_refused_and_no_password_is_shown(url: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(Usage) as refused:
        find(url, None, {}, tmp_path)
    assert refused.value.message == message
    assert "geheim" not in refused.value.hint


def test_options_go_before_the_environment_and_addresses_before_clouds(clouds: Path) -> None:
    environ = {"JEROBOAM_URL": "http://env:1", "OS_CLOUD": "open"}
    assert find("http://opt:1", "override", environ, clouds).url == "http://opt:1"
    assert find(None, "override", environ, clouds).url == "http://10.0.0.2:9511"
    assert find(None, None, environ, clouds).url == "http://env:1"
    assert find(None, None, {"OS_CLOUD": "open"}, clouds).url == "http://10.0.0.1:9511"


def test_basic_takes_the_password_of_secure_yaml_and_never_shows_it(clouds: Path) -> None:
    address = find(None, "private", {"HOME": "/home/ann"}, clouds)
    assert (address.url, address.username, address.password) == (
        "https://magnum.example.org/container-infra",
        "ann",
        "geheim",
    )
    assert address.cacert == os.path.expanduser("~/ca.pem")
    assert "geheim" not in repr(address)


@pytest.mark.parametrize(
    ("cloud", "message"),
    [
        (
            "keystone",
            "Cloud 'keystone' has auth_type 'password'; this command line knows `none` and `http_basic` so far.",
        ),
        ("empty", "Cloud 'empty' has no auth.endpoint."),
        ("halfbasic", "Cloud 'halfbasic' has auth_type http_basic but no auth.password."),
    ],
)
def test_clouds_that_cannot_be_used_say_why(clouds: Path, cloud: str, message: str) -> None:
    with pytest.raises(Usage) as refused:
        find(None, cloud, {}, clouds)
    assert refused.value.message == message


def test_keystone_names_the_client_that_works(clouds: Path) -> None:
    with pytest.raises(Usage) as refused:
        find(None, "keystone", {}, clouds)
    assert refused.value.hint == "With Keystone use the OpenStack client: openstack coe cluster list."


def test_an_unknown_cloud_names_those_that_exist(clouds: Path) -> None:
    with pytest.raises(Usage) as refused:
        find(None, "nope", {}, clouds)
    assert refused.value.message == f"--os-cloud names the cloud 'nope', which {clouds}/clouds.yaml does not have."
    assert refused.value.hint == "It has: empty, halfbasic, keystone, open, override, private."


def test_no_file_names_the_places(tmp_path: Path) -> None:
    with pytest.raises(Usage) as refused:
        find(None, "x", {"XDG_CONFIG_HOME": "/nowhere"}, tmp_path)
    assert refused.value.message == "--os-cloud names the cloud 'x', but there is no clouds.yaml."
    assert (
        refused.value.hint
        == f"Looked at: {tmp_path}/clouds.yaml, /nowhere/openstack/clouds.yaml, /etc/openstack/clouds.yaml."
    )


def test_the_file_of_the_environment_is_among_the_places_whatever_its_name(tmp_path: Path) -> None:
    with pytest.raises(Usage) as refused:
        find(None, "x", {"XDG_CONFIG_HOME": "/nowhere", "OS_CLIENT_CONFIG_FILE": "/nowhere/cloud-settings"}, tmp_path)
    assert refused.value.hint.startswith(f"Looked at: /nowhere/cloud-settings, {tmp_path}/clouds.yaml, ")


def test_the_file_of_the_environment_goes_first(clouds: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text('clouds: {open: {auth_type: none, auth: {endpoint: "http://10.9.9.9"}}}')
    assert find(None, "open", {"OS_CLIENT_CONFIG_FILE": str(other)}, clouds).url == "http://10.9.9.9"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("clouds: [a, b]", "`clouds` must map names to settings."),
        ("- a", "must be a mapping with the key `clouds`."),
        ("clouds: {x: {auth: {password: geheim}", "is not valid YAML (line 1)."),
        ("clouds: {x: {auth: 5}}", "`auth` of cloud 'x' must be a mapping."),
    ],
)
def test_broken_files_are_named_and_not_quoted(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "clouds.yaml").write_text(text)
    with pytest.raises(Usage) as refused:
        find(None, "x", {}, tmp_path)
    assert refused.value.message.startswith(str(tmp_path / "clouds.yaml"))
    assert refused.value.message.endswith(message)
    assert "geheim" not in refused.value.message


@pytest.mark.parametrize(
    ("url", "loopback"), [("http://127.0.0.1:9511", True), ("http://[::1]:1", True), ("https://h", False)]
)
def test_loopback(url: str, loopback: bool) -> None:
    assert Address(url).loopback is loopback
