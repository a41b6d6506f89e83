"""`jeroboam demo`: the main job from nothing to answers, by the very commands that a user would type; and its end."""

from .commands import build_app

__all__ = ["build_app"]
