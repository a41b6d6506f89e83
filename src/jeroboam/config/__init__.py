"""The service's configuration: an oslo-style INI file, environment variables, declared options; read once, frozen, handed down.

Importing this package reads nothing. Every option is declared in `groups`, which is also where the sample file comes from.
"""

from .groups import Config
from .reader import Override, read
from .sample import sample

__all__ = ["Config", "Override", "read", "sample"]
