"""What the docker provider puts in front of several control planes."""

import ipaddress

from jeroboam.contracts import Address, NetworkSpec
from jeroboam.providers.docker import balancer

NET = ipaddress.IPv4Network("10.89.4.0/24")
SPEC = NetworkSpec(2376, control_planes=3, inner_ports=(2377,))


def test_each_port_goes_to_the_same_port_of_every_control_plane() -> None:
    text = balancer.balancer_file(SPEC, NET).decode()
    sections = text.split("listen ")[1:]
    assert [section.splitlines() for section in sections] == [
        [
            f"port-{port}",
            f"  bind :{port}",
            f"  server node-0 10.89.4.2:{port}",
            f"  server node-1 10.89.4.3:{port}",
            f"  server node-2 10.89.4.4:{port}",
        ]
        for port in (2376, 2377)
    ]


def test_only_the_api_is_published_and_the_container_has_no_rights() -> None:
    made = balancer.balancer_container("uuid", "demo-endpoint", "image", "net", NET, Address("127.0.0.1", 26500), SPEC)
    assert made["HostConfig"]["PortBindings"] == {"2376/tcp": [{"HostIp": "127.0.0.1", "HostPort": "26500"}]}
    assert made["HostConfig"]["CapDrop"] == ["ALL"]
    assert made["Labels"] == {"jeroboam.cluster": "uuid", "jeroboam.port": "26500"}
    assert made["NetworkingConfig"]["EndpointsConfig"]["net"]["IPAMConfig"]["IPv4Address"] == "10.89.4.10"
