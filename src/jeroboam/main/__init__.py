"""The composition root: configuration to objects, and the life of the process that they make up."""

from .data_folder import DataFolder, default_folder, locate, write_private
from .listening import find_holder
from .process import FIRST_TEMPLATE, Announce, Ready, Roles, place, run

__all__ = [
    "FIRST_TEMPLATE",
    "Announce",
    "DataFolder",
    "Ready",
    "Roles",
    "default_folder",
    "find_holder",
    "locate",
    "place",
    "run",
    "write_private",
]
