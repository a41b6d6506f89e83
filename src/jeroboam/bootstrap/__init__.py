"""First boot of a node: typed inputs to bytes. Pure."""

from .console import marker, parse_console
from .proxy import proxy_of
from .render import render_cloud_init, render_tar, tar_of
from .units import enable_now

__all__ = ["enable_now", "marker", "parse_console", "proxy_of", "render_cloud_init", "render_tar", "tar_of"]
