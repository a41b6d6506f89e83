"""What a cloud's answers mean, and the settings by which it is found."""

from pathlib import Path

import pytest

from jeroboam.domain.errors import ConfigError, ProviderRefused, ProviderUnavailable, QuotaExceeded, RateLimited
from jeroboam.providers.openstack import plugin, read_settings
from jeroboam.providers.openstack.rest import Answer, checked, translated, words

GOOD = {"auth_url": "https://keystone/v3", "username": "jeroboam", "password": "s3cret"}


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (Answer(403, {"forbidden": {"message": "Quota exceeded for cores"}}), QuotaExceeded, "Quota exceeded for cores"),
        (Answer(409, {"NeutronError": {"type": "OverQuota", "message": "Quota exceeded for resources: ['port']."}}),
         QuotaExceeded, "Quota exceeded for resources: ['port']."),
        (Answer(403, {"error": {"message": "Policy does not allow"}}), ProviderRefused, "Policy does not allow"),
        (Answer(429, {"overLimit": {"message": "slow"}}, 7.0), RateLimited, "slow"),
        (Answer(409, {"error": {"message": "in progress"}}), ProviderUnavailable, "in progress"),
        (Answer(502, {"message": "<html>bad gateway"}), ProviderUnavailable, "<html>bad gateway"),
        (Answer(503), ProviderUnavailable, "status 503"),
        (Answer(400, {"badRequest": {"message": "no such key"}}), ProviderRefused, "no such key"),
    ],
)  # fmt: skip
def test_answers_are_translated(answer: Answer, kind: type[Exception], said: str) -> None:
    error = translated(answer, "It was not done")
    assert type(error) is kind
    assert error.message == f"It was not done: {said}"
    if isinstance(error, RateLimited):
        assert error.after_s == 7.0


def test_a_fine_status_is_no_error_and_another_is() -> None:
    assert checked(Answer(404, {"a": 1}), "x", fine=(404,)) == {"a": 1}
    with pytest.raises(ProviderRefused):
        checked(Answer(404), "x")


def test_words_are_short_whatever_is_said() -> None:
    assert words({"a": {"b": {"message": "  deep "}}}) == "deep"
    assert words({"a": [1], "b": None}) == ""
    assert words({"explanation": "The server has erred.", "error": {"type": "RemoteError"}}) == "The server has erred."
    assert len(words({"message": "x" * 5000})) == 500


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"auth_url": ""}, "[openstack] auth_url is not set."),
        ({"auth_url": "keystone"}, "[openstack] auth_url = keystone is no URL."),
        ({"username": ""}, "[openstack] username is not set."),
        ({"password": ""}, "[openstack] password is not set."),
        ({"interface": "outside"}, "[openstack] interface = outside is not known."),
        ({"network_cidr": "10.0.0.1/8"}, "[openstack] network_cidr = 10.0.0.1/8 is no IPv4 network: 10.0.0.1/8 has host bits set."),
        ({"timeout_s": "0"}, "[openstack] timeout_s = 0 is not between 1 and 600."),
        ({"timeout_s": "soon"}, "[openstack] timeout_s = soon is not between 1 and 600."),
        ({"cluster_credentials": "yes"}, "[openstack] cluster_credentials = yes is not known."),
        ({"regoin_name": "x"}, "[openstack] regoin_name is not an option."),
    ],
)  # fmt: skip
def test_settings_that_are_wrong_are_named(change: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_settings({**GOOD, **change})
    assert caught.value.message == said


def test_the_password_shows_nowhere() -> None:
    assert "s3cret" not in repr(read_settings(GOOD))


def test_the_plug_in_makes_a_provider_without_reaching_anything(tmp_path: Path) -> None:
    made = plugin.create(GOOD)
    assert (made.name, sorted(made.server_types)) == ("openstack", ["bm", "container", "vm"])
    missing = tmp_path / "ca.pem"
    with pytest.raises(ConfigError, match=rf"\[openstack\] cafile = {missing} cannot be read: No such file"):
        plugin.create({**GOOD, "cafile": str(missing)})
