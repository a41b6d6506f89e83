"""The application of tests/api, and a cluster in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.api.conftest import admin, anonymous, blank, make, member

if TYPE_CHECKING:
    from tests.api.conftest import Api

__all__ = ["admin", "anonymous", "blank", "make", "member"]


@pytest.fixture
async def demo(member: Api) -> str:
    """The uuid of a finished cluster "demo" of project-1: one control plane, two workers, template "k8s"."""
    uuid = await member.cluster(node_count=2, labels={"a": "b"})
    assert await member.finished(uuid) == "succeeded"
    return uuid
