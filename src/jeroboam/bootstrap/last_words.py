"""A unit of a node that keeps failing says on the console why, and how it is read back. Nobody needs to enter the node for it.

The line is `JEROBOAM/1 unit <unit> <its last words>`. Of a unit that fails each second only some failures are told.
"""

from __future__ import annotations

import re

from ..contracts import File
from .console import MARK, clean

_PATH = "/etc/jeroboam/node/last-words"
# Source: systemd.exec(5), $SERVICE_RESULT; systemd.service(5), ExecStopPost=.
_SCRIPT = f"""\
#!/bin/bash
# Written by Jeroboam: ExecStopPost= of units whose end matters.
[ "${{SERVICE_RESULT:-success}}" = success ] && exit 0
deaths=$(systemctl show "$1" --property=NRestarts --value)
[ $((${{deaths:-0}} % 60)) -lt 3 ] || exit 0
words=$(journalctl -q -u "$1" -t "$1" -n 1 --no-pager -o cat | tr -d '\\r' | cut -c1-300)
case $words in *[Tt]oken*) words="(a line with a token)" ;; esac
echo "{MARK} unit $1 $words" >"${{2:-/dev/console}}"
"""
_LINE = re.compile(rf"{MARK} unit (\S+) ([^\r\n]*)")


def last_words_of(*units: str) -> tuple[File, ...]:
    """The script and a drop-in for each unit, named without `.service`."""
    drop_in = "[Service]\nExecStopPost=-{path} {unit}\n"
    return (
        File(_PATH, _SCRIPT.encode(), 0o755),
        *(
            File(
                f"/etc/systemd/system/{unit}.service.d/last-words.conf", drop_in.format(path=_PATH, unit=unit).encode()
            )
            for unit in units
        ),
    )


def read_last_words(console: str) -> str:
    """`<unit>: <words>` of the failure that the console tells last, "" when it tells none."""
    found = _LINE.findall(clean(console))
    return f"{found[-1][0]}: {found[-1][1].strip()}" if found else ""
