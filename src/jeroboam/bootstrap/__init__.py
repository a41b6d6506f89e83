"""First boot of a node: typed inputs to bytes. Pure."""

from .console import marker, parse_console
from .last_words import last_words_of, read_last_words
from .proxy import proxy_of
from .render import render_cloud_config, render_tar, tar_of
from .units import enable_now
from .windows import render_windows

__all__ = [
    "enable_now",
    "last_words_of",
    "marker",
    "parse_console",
    "proxy_of",
    "read_last_words",
    "render_cloud_config",
    "render_tar",
    "render_windows",
    "tar_of",
]
