"""What a Windows node boots with: files and steps as one document. A script of the provider writes and runs them."""

from __future__ import annotations

import base64
import json

from ..contracts import NodeConfig


def render_windows(config: NodeConfig) -> bytes:
    """JSON: `files` with path, content (base64) and whether they are `closed` to all but the system and administrators; `steps` with name,
    argv and timeout_s. All commands run one after the other. Same input, same bytes."""
    files = [
        {
            "path": file.path,
            "content": base64.b64encode(file.content).decode(),
            "closed": not file.mode & 0o077,
        }
        for file in sorted(config.files, key=lambda file: file.path)
    ]
    steps = [{"name": one.name, "argv": list(one.argv), "timeout_s": one.timeout_s} for one in config.commands]
    return json.dumps({"files": files, "steps": steps}, sort_keys=True).encode()
