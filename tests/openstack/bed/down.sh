#!/usr/bin/env bash
# down.sh [--all]: ends the bed and removes its state. The installed packages stay; --all removes them too.
set -euo pipefail
# shellcheck source=settings.sh
. "$(dirname "$0")/settings.sh"
case ${1-} in '' | --all) ;; *)
  sed -n '2p' "$0" >&2
  exit 2
  ;;
esac
[ "$(id -u)" = 0 ] || fail "needs root"
lock

end_processes() {
  local pid
  pid=$(init_pid) || return 0
  inside pkill -TERM -x libvirt_lxc 2>/dev/null || true
  # the loop device of a server outlives its mount; -d on a busy one frees it with its last mount
  inside losetup --raw -n -O NAME,BACK-FILE 2>/dev/null | awk '$2 ~ "^/var/lib/nova/instances/" { print $1 }' |
    while read -r loop; do losetup -d "$loop"; done
  inside pkill -TERM mariadbd 2>/dev/null || true
  sleep 2
  kill -KILL "$pid" # ends every process of its pid namespace
  for _ in $(seq 100); do
    kill -0 "$pid" 2>/dev/null || return 0
    sleep 0.1
  done
  fail "PID 1 of the bed ($pid here) did not end within 10 s"
}

end_processes
ip link del "${BED_NAME}0" 2>/dev/null || true
ip netns del "$BED_NAME" 2>/dev/null || true
rm -rf --one-file-system "$RUN"
rm -f "$BED_DIR/openrc" "$BED_DIR/demorc"
for group in /sys/fs/cgroup/*/"$BED_NAME"; do
  if [ -d "$group" ]; then find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null || true; fi
done
if [ "${1-}" = --all ]; then rm -rf --one-file-system "$BED_DIR"; fi
[ -n "${BED_LOCKED-}" ] || say "no bed runs here any more"
