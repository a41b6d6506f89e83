"""App Container images (appc, rkt) as OCI images. What the format can say and OCI cannot is refused or told, never dropped in silence."""

from .convert import Converted, convert_aci

__all__ = ["Converted", "convert_aci"]
