"""A fault, and a watch on what is seen of it."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from tests.api.conftest import blank, make
from tests.faults.catalogue import ANSWER, FAULTS, HEALTH, STATUS, TIMELINE, Fault

from jeroboam.domain import Operation, OperationState, Step

__all__ = ["blank", "make"]
_BY_NAME = {fault.name: fault for fault in FAULTS}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "fault(name): brings about the fault of this name in tests/faults/catalogue.py")


@dataclass
class Sight:
    """Holds what is seen against the catalogue. The watch runs from the test's start, or from `begins`."""

    fault: Fault
    began: float = field(default_factory=time.monotonic)
    seen: bool = False

    def begins(self) -> None:
        """Now the fault is brought about."""
        self.began = time.monotonic()

    def answer(self, answer: httpx.Response) -> None:
        """The answer of a request."""
        [error] = answer.json()["errors"]
        passes = answer.status_code == 503 and answer.headers["Retry-After"].isdigit()
        refused = 400 <= answer.status_code < 500
        self._tell(ANSWER, error["detail"], "transient" if passes else "user" if refused else "bug", error["detail"])

    def plain(self, said: str, error_class: str) -> None:
        """An answer that is no document of ours."""
        self._tell(ANSWER, said, error_class, said)

    def failed(self, operation: Operation, status_reason: str | None) -> None:
        """An operation that has ended by it, and the cluster's status."""
        assert operation.state is OperationState.FAILED
        assert status_reason is not None
        assert status_reason.startswith(operation.error or "-")
        assert status_reason.endswith(operation.hint or "")
        self._tell(STATUS, status_reason, str(operation.error_class), operation.hint or "")

    def document(self, operation: Mapping[str, Any], status_reason: str) -> None:
        """The same, as the API tells it."""
        assert operation["state"] == "failed"
        assert status_reason.startswith(operation["error"])
        self._tell(STATUS, status_reason, operation["error_class"], operation["hint"] or "")

    def waits(self, status_reason: str) -> None:
        """The status of a cluster whose operation goes on."""
        self._tell(STATUS, status_reason, "transient", status_reason)

    def step(self, step: Step) -> None:
        """A row of the timeline."""
        self._tell(TIMELINE, step.message, str(step.error_class), step.hint or "")

    def health(self, reasons: Mapping[str, str]) -> None:
        """The cluster's `health_status_reason`."""
        said = "\n".join(value for key, value in reasons.items() if key not in ("class", "hint"))
        self._tell(HEALTH, said, reasons.get("class", ""), reasons.get("hint", ""))

    def _tell(self, where: str, said: str, error_class: str, hint: str) -> None:
        took_s = time.monotonic() - self.began
        assert where == self.fault.where
        assert self.fault.fits(said), said
        assert error_class == self.fault.error_class
        assert self.fault.hint in hint
        assert took_s <= self.fault.within_s
        self.seen = True


@pytest.fixture
def sight(request: pytest.FixtureRequest) -> Iterator[Sight]:
    """Of the fault that the test's mark names; the test must have looked."""
    mark = request.node.get_closest_marker("fault")
    sight = Sight(_BY_NAME[mark.args[0]])
    yield sight
    assert sight.seen or request.node.stash.get(FAILED, False)


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed or report.skipped
    return report
