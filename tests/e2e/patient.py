"""A cluster that is healed: its service, which looks at it every two seconds, and what became of each healing."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .world import Service, until

LABELS = {"auto_healing_enabled": "true", "auto_healing_grace": "3"}
WITHIN_S = 300


@contextmanager
def ward(folder: Path) -> Iterator[Service]:
    """The service, running."""
    service = Service(folder / "data", env={"JEROBOAM_CONDUCTOR__HEALTH_S": "2"})
    service.start()
    try:
        yield service
    finally:
        service.stop()


@dataclass(frozen=True)
class Patient:
    """A cluster with `LABELS`, as its service tells of it."""

    service: Service
    uuid: str

    def heals(self) -> list[Any]:
        """Operations of that kind, the newest first."""
        answer = self.service.api("GET", f"/ext/v1/clusters/{self.uuid}/operations")
        return [one for one in answer.json()["operations"] if one["kind"] == "heal"]

    def shown(self) -> Any:
        return self.service.api("GET", f"/v1/clusters/{self.uuid}").json()

    def healed(self, times: int) -> Any:
        """The newest healing, when so many have ended well and the cluster is healthy again."""

        def well() -> bool:
            states = [one["state"] for one in self.heals()]
            assert "failed" not in states, self.service.why(self.uuid)
            return states == ["succeeded"] * times and self.shown()["health_status"] == "HEALTHY"

        until(well, WITHIN_S, f"{times} healings\n{self.service.why(self.uuid)}")
        return self.heals()[0]
