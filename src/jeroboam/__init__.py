"""Jeroboam: Kubernetes, Docker Swarm and LXD clusters for tenants, on any compute, through the OpenStack Magnum API."""

__version__ = "0.1.0"
