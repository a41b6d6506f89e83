#!/usr/bin/env bash
# restart.sh NAME...: ends daemons by their pid files; services.sh then starts them again.
# shellcheck source=lib.sh
. /opt/testbed/lib.sh
for n in "$@"; do
  p=$(cat "$PIDS/$n.pid") && kill "$p" && timeout 60 tail --pid="$p" -f /dev/null
  rm -f "$PIDS/$n.pid"
done
exec /opt/testbed/services.sh
