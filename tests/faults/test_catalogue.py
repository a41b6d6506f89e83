"""The catalogue is whole: each fault has its test, each test its fault, and the page says the same."""

import re
from pathlib import Path

from tests.faults.catalogue import FAULTS, PAGE, Fault, page

ROOT = Path(__file__).parents[2]


def test_each_fault_has_one_test_and_each_test_a_fault() -> None:
    marks = [
        name
        for path in (*sorted(Path(__file__).parent.glob("test_*.py")), ROOT / "tests/openstack/test_faults.py")
        for name in re.findall(r'^@pytest\.mark\.fault\("([a-z0-9-]+)"\)$', path.read_text(), re.MULTILINE)
    ]
    assert sorted(marks) == sorted(fault.name for fault in FAULTS)
    assert len(marks) == len(set(marks)) > 25


def test_every_class_of_error_is_there_and_each_fault_says_what_to_do() -> None:
    assert {fault.error_class for fault in FAULTS} == {"user", "transient", "operator", "bug"}
    assert [fault.name for fault in FAULTS if not fault.message or fault.within_s <= 0] == []


def test_the_page_is_the_catalogue() -> None:
    assert (ROOT / PAGE).read_text() == page(), "run `make faults`"


def test_words_fit_around_what_differs() -> None:
    fault = Fault("a", "", "", "user", "answer", "node … (of 3) is …ready.", "", 1)
    assert fault.fits("well, node w-1 (of 3) is not ready.")
    assert not fault.fits("node w-1 (of 4) is not ready.")
