"""The script that a node runs at its first boot: the commands in order, with deadlines, markers and a memory of what is done."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from ..contracts import Command, NodeConfig
from .console import marker

STATE = "/var/lib/jeroboam"
RUN = "/etc/jeroboam/node/run"
ROOT = "/etc/jeroboam/node/root"  # says that the commands began on this root
WATCH_S = 30  # seconds between two looks at what a command says
SILENT_LOOKS = 4  # looks without news after which the units are asked, too

_HEAD = f"""\
#!/bin/bash
# Written by Jeroboam. Runs at every boot; what is done is not done again, unless the root is a new one: state may outlive it.
set -u
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
state={STATE}
[ -e {ROOT} ] || rm -rf "$state/done"
mkdir -p "$state/done" "$state/log"
: >{ROOT}
say() {{ echo "$*"; }}
tell_units() {{ # the journal of what failed here, and of what makes a node; this script's own is the console
  local unit
  {{
    systemctl list-units --failed --plain --no-legend --no-pager | cut -d' ' -f1
    for unit in containerd docker kubelet lxd; do
      systemctl is-enabled -q "$unit.service" && echo "$unit.service"
    done
  }} 2>/dev/null | awk '!seen[$0]++ && !/^jeroboam-bootstrap/' | head -n 6 | while read -r unit; do
    say "----- last lines of unit ${{unit%.service}}"; journalctl -q -u "$unit" -n 15 --no-pager -o cat 2>/dev/null
  done
}}
watch() {{ # step, log file: what it says when that changed, and once it was silent for long what the units say
  local last= now= silent=0
  while sleep {WATCH_S} >/dev/null 2>&1; do
    now=$(tail -n 1 "$2" 2>/dev/null | tr -d '\\r' | cut -c1-200)
    case $now in *[Tt]oken* | *SWMTKN*) now="(a line with a token)" ;; esac
    if [ "$now" != "$last" ]; then last=$now silent=0; say "$1: $now"; continue; fi
    silent=$((silent + 1))
    [ "$silent" -eq {SILENT_LOOKS} ] && {{ say "----- $1 says nothing for long"; tell_units; }}
  done
}}
fail() {{ # step, message, log file
  say "----- last lines of $1"; tail -n 40 "$3" 2>/dev/null
  tell_units
  say "{marker("failed", "$1", "$2")}"
  exit 1
}}
run() {{ # step, deadline in seconds, command...
  local step=$1 limit=$2 rc=0 watcher; shift 2
  [ -e "$state/done/$step" ] && return 0
  say "{marker("step", "$step")} at $(cut -d' ' -f1 /proc/uptime)"
  watch "$step" "$state/log/$step" & watcher=$!
  timeout --kill-after=10 "$limit" "$@" >"$state/log/$step" 2>&1 || rc=$?
  kill "$watcher" 2>/dev/null; wait "$watcher" 2>/dev/null
  if [ "$rc" -eq 0 ]; then touch "$state/done/$step"; return 0; fi
  [ "$rc" -eq 124 ] && fail "$step" "not finished after $limit seconds" "$state/log/$step"
  fail "$step" "exit code $rc: $(tail -n 1 "$state/log/$step" | tr -d '\\r' | cut -c1-300)" "$state/log/$step"
}}
say "{marker("begin")}"
[ -e "$state/done/all" ] && {{ say "{marker("done")}"; exit 0; }}
"""

_TAIL = f"""\
touch "$state/done/all"
say "{marker("done", "all")} at $(cut -d' ' -f1 /proc/uptime)"
"""


def render_run(config: NodeConfig) -> str:
    """The run script. Nothing of the config is interpreted by the shell: every word is quoted."""
    return _HEAD + "".join(_lines(config.commands)) + _TAIL


def _lines(commands: Sequence[Command]) -> list[str]:
    lines, waits = [], []
    for number, command in enumerate(commands):
        words = " ".join(shlex.quote(word) for word in command.argv)
        call = f"run {shlex.quote(command.name)} {command.timeout_s} {words}"
        if command.background:
            lines.append(f"{call} &\npid{number}=$!\n")
            waits.append(f'wait "$pid{number}" || exit 1\n')
        else:
            lines.append(f"{call}\n")
    return lines + waits
