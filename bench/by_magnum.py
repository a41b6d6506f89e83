"""The same clusters by Magnum, on a bed that has it: `tests/openstack/bed/up.sh --with-magnum`."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]

IMAGE = "magnum-bench"
_LOOK_S = 1.0
_ANSWER = (
    ". /root/demorc; for _ in $(seq 600); do python3 /opt/testbed/answer.py {stack} {limit} && exit; sleep 1; done"
)


class Magnum:
    """A tenant's clusters. What their servers would signal, guest/answer.py does."""

    def __init__(self, bed: Any, flavor: str, limit_s: float) -> None:
        self._bed = bed
        self._limit_s = limit_s
        self._api: Any = bed.connect(bed.demo).container_infrastructure_management
        self._template = self._made_template(flavor)

    def _made_template(self, flavor: str) -> str:
        """Without floating addresses for nodes and without volumes: as little as Magnum makes."""
        admin = self._bed.connect(self._bed.admin)
        if admin.get_image(IMAGE) is None:
            about = {"container_format": "bare", "disk_format": "raw", "os_distro": "fedora-coreos"}
            admin.image.create_image(name=IMAGE, data=b"\0" * 1_048_576, visibility="public", **about)
        body = {
            "name": "bench",
            "coe": "kubernetes",
            "image_id": IMAGE,
            "flavor_id": flavor,
            "master_flavor_id": flavor,
            "external_network_id": "public",
            "network_driver": "flannel",
            "floating_ip_enabled": False,
        }
        return str(self._call("POST", "/clustertemplates", body)["uuid"])

    def make(self, nodes: int) -> str:
        """Its uuid, once it is CREATE_COMPLETE."""
        body = {
            "name": f"magnum-{nodes}",
            "cluster_template_id": self._template,
            "node_count": nodes,
            "master_count": 1,
        }
        uuid = str(self._call("POST", "/clusters", {**body, "create_timeout": int(self._limit_s / 60)})["uuid"])
        stack = self._until(uuid, lambda shown: shown.get("stack_id"))
        words = _ANSWER.format(stack=stack, limit=int(self._limit_s))
        threading.Thread(target=self._answer, args=(words,), daemon=True).start()
        self._until(uuid, lambda shown: shown["status"] == "CREATE_COMPLETE")
        return uuid

    def remove(self, uuid: str) -> None:
        self._api.delete(f"/clusters/{uuid}").raise_for_status()
        ends = time.monotonic() + self._limit_s
        while self._api.get(f"/clusters/{uuid}").status_code != 404:
            if time.monotonic() > ends:
                raise TimeoutError(f"Magnum's cluster {uuid} is still there")
            time.sleep(_LOOK_S)

    def close(self) -> None:
        self._api.delete(f"/clustertemplates/{self._template}").raise_for_status()

    def _answer(self, words: str) -> None:
        command = [ROOT / "tests/openstack/bed/shell.sh", "bash", "-c", words]
        subprocess.run(command, timeout=self._limit_s, check=False, stdout=subprocess.DEVNULL, stderr=sys.stderr)

    def _until(self, uuid: str, true: Any) -> Any:
        ends = time.monotonic() + self._limit_s
        while True:
            shown = self._call("GET", f"/clusters/{uuid}")
            if shown["status"].endswith("_FAILED"):
                raise RuntimeError(f"Magnum: {shown['status_reason']} {shown.get('faults')}")
            if found := true(shown):
                return found if found is not True else shown
            if time.monotonic() > ends:
                raise TimeoutError(f"Magnum's cluster {uuid} is still at {shown['status']}")
            time.sleep(_LOOK_S)

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._api.request(path, method, json=body)
        if answer.status_code >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json()
