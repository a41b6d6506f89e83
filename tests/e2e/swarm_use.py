"""Somebody who uses a swarm while it changes: its Docker API, and a service on its workers."""

from dataclasses import dataclass, field
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from jeroboam import pki

from .polling import Polling
from .test_swarm import HELLO, Swarm
from .world import SOON_S, Service, containers, run, until

PORT = 18080


@dataclass
class User:
    """Somebody with a certificate of the cluster's present CA, who fetches another one when the published CA is another."""

    service: Service
    swarm: Swarm
    ca: str = ""
    context: Any = None
    address: str = ""
    cas: list[str] = field(default_factory=list)

    def nodes(self) -> list[Any]:
        """What the Docker API says, over a connection of its own."""
        published = self.service.api("GET", f"/v1/certificates/{self.swarm.uuid}").json()["pem"]
        if published != self.ca:
            self._enter(published)
        with httpx.Client(verify=self.context, trust_env=False, timeout=10) as client:
            answer = client.get(f"{self.address}/v1.41/nodes").raise_for_status()
        return list(answer.json())

    def _enter(self, published: str) -> None:
        key, pem = pki.new_key()
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "user")])
        request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
        csr = request.public_bytes(serialization.Encoding.PEM).decode()
        body = {"cluster_uuid": self.swarm.uuid, "csr": csr}
        signed = self.service.api("POST", "/v1/certificates", json=body)
        assert signed.status_code == 201, signed.text
        self.context = pki.client_context(published.encode(), signed.json()["pem"].encode(), pem)
        shown = self.service.api("GET", f"/v1/clusters/{self.swarm.uuid}").json()
        self.address = "https://" + shown["api_address"].partition("://")[2]
        self.ca = published
        self.cas.append(published)


def serve(made: Swarm) -> None:
    """A service with a port of its own on each worker."""
    placed = ["--constraint", "node.role==worker", "--endpoint-mode", "dnsrr"]
    published = ["--publish", f"mode=host,target=8080,published={PORT}"]
    made.docker(
        "service",
        "create",
        "-d",
        "--no-resolve-image",
        "--name",
        "web",
        "--mode",
        "global",
        *placed,
        *published,
        HELLO,
        "serve",
    )
    until(lambda: len(made.running_on("web")) == 2, SOON_S, "the service runs")


def address_of(machine: str) -> str:
    """Where a node's machine lives."""
    return run("docker", "inspect", "-f", '{{index .Config.Labels "jeroboam.address"}}', machine)


def answers_of(swarm: Swarm) -> Polling:
    """A client of the service `web` who knows the addresses of all workers and takes whichever answers."""
    workers = containers(swarm.uuid, "worker")
    addresses = [address_of(name) for name in workers]

    def one() -> None:
        with httpx.Client(trust_env=False, timeout=1) as client:
            for address in addresses:
                try:
                    client.get(f"http://{address}:{PORT}/").raise_for_status()
                except httpx.HTTPError:
                    continue
                return
        raise ConnectionError("no worker answers")

    return Polling(one)
