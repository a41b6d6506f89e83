"""Artifacts: which binaries and container images a release needs, how they are had and verified, and the node image made of them."""

from .appc import Converted, convert_aci
from .base import SUITE
from .cache import default_cache
from .catalogue import catalogue
from .cloud_file import CloudWish
from .cloud_image import build_cloud_image
from .cloud_record import CloudImage, read_record
from .distro_image import build_distro_image
from .held import NodeImage, list_node_images, remove_node_image
from .mirroring import mirror_parts
from .node_image import architecture, binary_path, build_node_image
from .sources import SOURCE_NAMES, SourceSettings

__all__ = [
    "SOURCE_NAMES",
    "SUITE",
    "CloudImage",
    "CloudWish",
    "Converted",
    "NodeImage",
    "SourceSettings",
    "architecture",
    "binary_path",
    "build_cloud_image",
    "build_distro_image",
    "build_node_image",
    "catalogue",
    "convert_aci",
    "default_cache",
    "list_node_images",
    "mirror_parts",
    "read_record",
    "remove_node_image",
]
