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

# Every bed's servers show here, with paths of their own trees: this bed's are those whose file it has.
own_loops() {
  # shellcheck disable=SC2016  # of the inner shell
  inside sh -c 'losetup --raw -n -O NAME,BACK-FILE | while read -r loop file; do
    case $file in /var/lib/nova/instances/*) if [ -e "$file" ]; then echo "$loop"; fi ;; esac
  done' 2>/dev/null || true
}

# What up.sh and node-image.sh made, by name; then the folder, if it holds nothing else.
remove_installed() {
  local built
  for built in "$BED_DIR"/*.done; do
    if [ -f "$built" ]; then remove_tree "${built%.done}"; fi
  done
  remove_tree "$ROOT"
  remove_tree "$BED_DIR/node"
  rm -f "$BED_DIR"/rootfs-{qemu,magnum}.log "$BED_DIR/apt.log" "$BED_DIR/lock" "$MARK"
  rmdir "$BED_DIR" 2>/dev/null || say "$BED_DIR is kept: there is something in it that is not the bed's"
}
remove_tree() {
  rm -rf --one-file-system "$1" "$1.part"
  rm -f "$1.done" "$1.log" "$1.part.log" "$1.raw" "$1.raw.part"
}

end_processes() {
  local pid
  pid=$(init_pid) || return 0
  inside pkill -TERM -x libvirt_lxc 2>/dev/null || true
  # the loop device of a server outlives its mount; -d on a busy one frees it with its last mount
  own_loops | while read -r loop; do losetup -d "$loop"; done
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
if [ "${1-}" = --all ]; then remove_installed; fi
[ -n "${BED_LOCKED-}" ] || say "no bed runs here any more"
