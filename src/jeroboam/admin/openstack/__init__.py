"""`jeroboam openstack`: what an operator does once on an OpenStack cloud. It speaks to Keystone as its administrator."""

from .commands import build_app

__all__ = ["build_app"]
