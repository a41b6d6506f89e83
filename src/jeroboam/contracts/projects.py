"""Which project a cluster lies in, for a provider that works inside its tenants' projects."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol, runtime_checkable


class ProjectsOf(Protocol):
    """Answers from what the service keeps of its clusters."""

    async def __call__(self, cluster_uuids: Collection[str], /) -> Mapping[str, str]:
        """The project of each of these clusters that is kept, in one look. Raises ProviderUnavailable when the store is away."""
        ...


@runtime_checkable
class NeedsProjects(Protocol):
    """Optional, for a provider whose things lie in the project of each cluster, where tenants can write tags, too: what they carry
    does not tell whose they are."""

    def use_projects(self, projects_of: ProjectsOf) -> None:
        """Called once, before the provider starts."""
        ...
