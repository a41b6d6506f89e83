"""Where binaries come from, in the operator's order: the makers' release sites, a mirror, or built from Go modules.

Every source verifies what it hands over. The first that can supply a part does; a part that the cache holds is not asked for again,
whichever source it came from.
"""

from .order import SOURCE_NAMES, Sources, SourceSettings, open_sources
from .source import Source, Wanted

__all__ = ["SOURCE_NAMES", "Source", "SourceSettings", "Sources", "Wanted", "open_sources"]
