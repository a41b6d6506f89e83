"""Which hosts a flavor's extra specs fit."""

import pytest

from jeroboam.providers.openstack.hosts import Aggregate, fitting, wishes

WINDOWS = Aggregate(frozenset({"w1", "w2"}), {"os": "windows", "licence": "standard, datacenter"}, "az-w")
FAST = Aggregate(frozenset({"w2", "l1"}), {"disk": "nvme"})
ALL = (WINDOWS, FAST)


def test_only_what_is_scoped_is_asked_of_aggregates() -> None:
    specs = {"aggregate_instance_extra_specs:os": "windows", "hw:cpu_policy": "dedicated", "os": "linux"}
    assert wishes(specs) == {"os": "windows"}


@pytest.mark.parametrize(
    ("wish", "hosts"),
    [
        ({"os": "windows"}, {"w1", "w2"}),
        ({"os": "windows", "disk": "nvme"}, {"w2"}),  # of two aggregates together
        ({"licence": "datacenter"}, {"w1", "w2"}),  # one of a list
        ({"licence": "<or> trial <or> standard"}, {"w1", "w2"}),
        ({"licence": "<or> trial <or> none"}, set()),
        ({"disk": "<in> vm"}, {"w2", "l1"}),
        ({"os": "s== windows"}, {"w1", "w2"}),
        ({"os": "s!= windows"}, set()),
        ({"disk": "s!= spinning"}, {"w2", "l1"}),
        ({"os": "linux"}, set()),
        ({"gpu": "yes"}, set()),
        ({"os": ">= 3"}, {"w1", "w2"}),  # Nova decides
        ({"os": ""}, set()),
        ({}, {"w1", "w2", "l1"}),
    ],
)
def test_a_host_fits_by_what_its_aggregates_say_together(wish: dict[str, str], hosts: set[str]) -> None:
    assert fitting(wish, None, ALL) == hosts


def test_a_zone_leaves_out_hosts_of_another_one() -> None:
    assert fitting({"disk": "nvme"}, "az-w", ALL) == {"w2", "l1"}  # nobody says where l1 is
    assert fitting({"disk": "nvme"}, "elsewhere", ALL) == {"l1"}
    assert fitting({"os": "windows"}, "elsewhere", ALL) == frozenset()
