"""What a node says of its bootstrap on its console, and how it is read back.

A line is `JEROBOAM/1 <event> <step> <message>`; events: begin, step, failed, done. Consoles are noisy (terminal
control sequences, other writers), so the reader looks for the marker anywhere in a line. `begin` forgets what was before.
"""

from __future__ import annotations

import re

from ..contracts import NodeProgress

MARK = "JEROBOAM/1"
_LINE = re.compile(rf"{MARK} (begin|step|failed|done)(?: (\S+))?(?: ([^\r\n]*))?")
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[@-Z\\-_]|[\x00-\x08\x0b-\x1f\x7f]")


def marker(event: str, step: str = "", message: str = "") -> str:
    """One console line."""
    return f"{MARK} {event} {step} {message}".rstrip()


def clean(text: str) -> str:
    """Console text without control sequences."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def parse_console(text: str) -> NodeProgress:
    """The state of the last bootstrap that the console shows."""
    progress = NodeProgress()
    for line in clean(text).splitlines():
        found = _LINE.search(line)
        if found is None:
            continue
        event, step, message = found[1], found[2] or "", (found[3] or "").strip()
        if event == "begin":
            progress = NodeProgress()
        elif event == "step":
            progress = NodeProgress(step=step, message=message)
        elif event == "failed":
            progress = NodeProgress(step=step, failed=True, message=message)
        else:
            progress = NodeProgress(step=step, done=True, message=message)
    return progress
