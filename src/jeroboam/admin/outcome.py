"""How a command of this machine tells that it failed: a sentence and the next move on stderr, or JSON where that was asked for."""

from __future__ import annotations

import json
import sys

from ..domain.errors import JeroboamError


def tell(error: JeroboamError, code: int, *, as_json: bool = False) -> int:
    """Print the error; the exit code is handed through."""
    if as_json:
        body = {"message": error.message, "hint": error.hint, "exit_code": code}
        print(json.dumps({"error": body}, ensure_ascii=False), file=sys.stderr)
        return code
    print(f"Error: {error.message}", file=sys.stderr)
    if error.hint:
        print(f"       {error.hint}", file=sys.stderr)
    return code
