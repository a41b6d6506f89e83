"""Artifacts: which binaries and container images a release needs, how they are had and verified, and the node image made of them."""

from .cache import default_cache
from .catalogue import catalogue
from .held import NodeImage, list_node_images, remove_node_image
from .mirroring import mirror_parts
from .node_image import binary_path, build_node_image
from .sources import SOURCE_NAMES, SourceSettings
from .swarm_image import build_swarm_image

__all__ = [
    "SOURCE_NAMES",
    "NodeImage",
    "SourceSettings",
    "binary_path",
    "build_node_image",
    "build_swarm_image",
    "catalogue",
    "default_cache",
    "list_node_images",
    "mirror_parts",
    "remove_node_image",
]
