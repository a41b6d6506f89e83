"""Artifacts: which binaries and container images a release needs, how they are had and verified, and the node image made of them."""

from .cache import default_cache
from .catalogue import catalogue
from .node_image import NodeImage, binary_path, build_node_image, list_node_images, remove_node_image

__all__ = [
    "NodeImage",
    "binary_path",
    "build_node_image",
    "catalogue",
    "default_cache",
    "list_node_images",
    "remove_node_image",
]
