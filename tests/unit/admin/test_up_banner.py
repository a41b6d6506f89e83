"""What `jeroboam up` tells to type."""

import pytest
import yaml

from jeroboam.admin.up import clouds_yaml, first_commands, preferred
from jeroboam.config import read
from jeroboam.contracts import Image
from jeroboam.domain.errors import ConfigError
from jeroboam.providers.fake import plugin


def test_clouds_yaml_fits_the_identity() -> None:
    plain = yaml.safe_load(clouds_yaml(read(None, {})))["clouds"]["jeroboam"]
    assert plain == {
        "auth_type": "none",
        "auth": {"endpoint": "http://127.0.0.1:9511/v1"},
        "container_infra_endpoint_override": "http://127.0.0.1:9511/v1",
    }
    environ = {"JEROBOAM_IDENTITY__MODE": "basic", "JEROBOAM_IDENTITY__FILE": "/users"}
    guarded = yaml.safe_load(clouds_yaml(read(None, environ)))["clouds"]["jeroboam"]
    assert guarded["auth_type"] == "http_basic"
    assert guarded["auth"] == {"endpoint": "http://127.0.0.1:9511/v1", "username": "USER", "password": "PASSWORD"}


def test_the_image_to_begin_with_is_the_default_version() -> None:
    newer, default = (Image(v, f"node:{v}", {"kube_version": v}) for v in ("v1.36.3", "v1.34.4"))
    assert preferred([newer, default]) == "node:v1.34.4"
    assert preferred([newer]) == "node:v1.36.3"
    assert preferred([]) == "IMAGE"


def test_the_first_commands_make_what_is_not_there() -> None:
    images = [Image("n", "node:v1.34.4", {"kube_version": "v1.34.4"})]
    create, use = "jeroboam cluster create demo --template k8s --wait", "jeroboam cluster config demo"
    make = "jeroboam template create k8s --image node:v1.34.4"
    assert list(first_commands("http://127.0.0.1:9511", images, template=False)) == [make, create, use]
    assert list(first_commands("http://127.0.0.1:9511", images, template=True)) == [create, use]
    assert list(first_commands("http://127.0.0.1:9512", [], template=False)) == [
        "export JEROBOAM_URL=http://127.0.0.1:9512",
        "jeroboam image build              # no node image yet",
        "jeroboam template create k8s --image IMAGE",
        create,
    ]


def test_a_fault_of_an_unknown_effect_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"\[fake\] faults: .*fail_boot"):
        plugin.create({"faults": '[{"call": "ensure_machine", "effect": "fail_boot"}]'})
