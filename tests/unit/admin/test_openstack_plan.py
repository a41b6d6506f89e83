"""The steps of `jeroboam openstack register`, from what is wished and what Keystone has."""

from dataclasses import replace

import pytest

from jeroboam.admin.openstack.plan import Endpoint, Found, Kind, Outcome, Service, plan
from jeroboam.admin.openstack.wish import Wish, check_names, endpoint_urls
from jeroboam.domain.errors import ConfigError, Conflict, InvalidRequest, JeroboamError
from jeroboam.domain.secret import Secret

URL = "https://containers.example:9511/v1"
WISH = Wish(endpoint_urls(URL, None, None), password=Secret(b"pass"))
NOTHING = Found(regions=("RegionOne",))
ROWS = tuple(Endpoint(f"e-{one}", one, "RegionOne", URL) for one in ("public", "internal", "admin"))
OURS = Service("s-1", "jeroboam", True, ROWS)
ALL = Found(("RegionOne",), "u-1", True, True, "p-1", "r-1", True, (OURS,))


def outcomes(wish: Wish, found: Found) -> list[tuple[str, str]]:
    return [(step.kind, step.outcome) for step in plan(wish, found)]


def test_on_an_empty_keystone_everything_is_made_in_the_order_of_need() -> None:
    kinds = ("project", "user", "role", "grant", "service", "endpoint", "endpoint", "endpoint")
    assert outcomes(WISH, NOTHING) == [(kind, "made") for kind in kinds]


def test_what_is_there_is_kept() -> None:
    assert {step.outcome for step in plan(WISH, ALL)} == {Outcome.KEPT}
    assert outcomes(replace(WISH, password=None), replace(ALL, logs_in=None)) == [
        one for one in outcomes(WISH, ALL) if one[0] != "password"
    ]


def test_only_what_differs_is_changed_and_says_what_was() -> None:
    moved = (replace(ROWS[0], url="http://old.example/v1"), replace(ROWS[1], enabled=False), ROWS[2])
    found = replace(ALL, logs_in=False, granted=False, services=(replace(OURS, endpoints=moved),))
    changed = [step for step in plan(WISH, found) if step.outcome is not Outcome.KEPT]
    assert [(step.kind, step.outcome, step.what, step.target) for step in changed] == [
        (Kind.PASSWORD, Outcome.CHANGED, "of the user jeroboam", "u-1"),
        (Kind.GRANT, Outcome.MADE, "service to jeroboam on service", ""),
        (Kind.ENDPOINT, Outcome.CHANGED, f"public in RegionOne: {URL} (was http://old.example/v1)", "e-public"),
        (Kind.ENDPOINT, Outcome.CHANGED, f"internal in RegionOne: {URL} (was disabled)", "e-internal"),
    ]


def test_endpoints_of_other_regions_are_not_touched() -> None:
    found = replace(ALL, regions=("north", "south"), services=(replace(OURS, endpoints=ROWS),))
    steps = plan(replace(WISH, region="south"), found)
    assert [step.outcome for step in steps if step.kind is Kind.ENDPOINT] == [Outcome.MADE] * 3


@pytest.mark.parametrize(
    ("wish", "found", "kind", "message", "hint"),
    [
        (
            replace(WISH, password=None),
            NOTHING,
            ConfigError,
            "The user jeroboam is to be made and has no password.",
            "--ini",
        ),
        (
            WISH,
            replace(NOTHING, regions=("a", "b")),
            ConfigError,
            "Which region the endpoints are of is not clear.",
            "Name one of a, b with --region.",
        ),
        (
            replace(WISH, region="mars"),
            NOTHING,
            ConfigError,
            "--region: Keystone knows no region mars.",
            "Its regions are: RegionOne.",
        ),
        (
            WISH,
            replace(ALL, services=(replace(OURS, name="magnum"),)),
            Conflict,
            "A service of type container-infra is registered already: magnum.",
            "--service-name magnum takes it over",
        ),
        (
            WISH,
            replace(ALL, services=(OURS, replace(OURS, id="s-2"))),
            Conflict,
            "2 services of type container-infra are called jeroboam.",
            "delete all but one of: s-1, s-2.",
        ),
        (
            WISH,
            replace(ALL, services=(replace(OURS, enabled=False),)),
            Conflict,
            "The service jeroboam is disabled.",
            "openstack service set --enable s-1",
        ),
        (
            WISH,
            replace(ALL, services=(replace(OURS, endpoints=(*ROWS, replace(ROWS[0], id="twin"))),)),
            Conflict,
            "The service jeroboam has 2 public endpoints in RegionOne.",
            "delete all but one of: e-public, twin.",
        ),
        (
            WISH,
            replace(ALL, user_enabled=False),
            Conflict,
            "The user jeroboam of the domain Default is disabled.",
            "openstack user set --enable u-1",
        ),
    ],
)
def test_what_cannot_be_decided_here_is_refused(
    wish: Wish, found: Found, kind: type[JeroboamError], message: str, hint: str
) -> None:
    with pytest.raises(kind) as refused:
        plan(wish, found)
    assert refused.value.message == message
    assert hint in refused.value.hint


def test_beside_another_service_ours_is_kept_by_its_name() -> None:
    found = replace(ALL, services=(replace(OURS, id="s-2", name="magnum"), OURS))
    assert [step.target for step in plan(WISH, found) if step.kind is Kind.SERVICE] == ["s-1"]


def test_addresses_that_are_not_given_are_the_public_one() -> None:
    inner = "http://[fd00::2]:9511/prefix/v1"
    assert endpoint_urls(f"{URL}/", inner, None) == {"public": URL, "internal": inner, "admin": URL}


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("containers.example/v1", "--public-url: 'containers.example/v1' is not the address of an API."),
        ("ftp://containers.example/v1", "--public-url: 'ftp://containers.example/v1' is not the address of an API."),
        ("http://:9511/v1", "--public-url: 'http://:9511/v1' is not the address of an API."),
        ("http://a:99999/v1", "--public-url: 'http://a:99999/v1' is not the address of an API."),
        ("http://a/v1?x=1", "--public-url: 'http://a/v1?x=1' is not the address of an API."),
        ("http://a b/v1", "--public-url: 'http://a b/v1' is not the address of an API."),
        ("http://[::1/v1", "--public-url: 'http://[::1/v1' is not the address of an API."),
        ("http://ada:pass@a/v1", "--public-url: an address in a catalogue holds no user and no password."),
        ("https://a:9511", "--public-url: 'https://a:9511' does not end in /v1, where clients look for the API."),
    ],
)
def test_an_address_that_clients_could_not_use_is_refused(url: str, message: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        endpoint_urls(url, None, None)
    assert refused.value.message == message


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 256])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest, match=r"--user-domain: .* is not a name: 1 to 255 printable characters."):
        check_names(replace(WISH, user_domain=name))
