# What this machine must have before a bed comes up. Sourced by up.sh.
# shellcheck shell=bash

# preflight PROFILE: fails with the first thing that is missing, and its cure.
preflight() {
  local tool
  [ "$(uname -m)" = x86_64 ] || fail "needs x86-64, this machine is $(uname -m)"
  for tool in ip nsenter unshare setsid flock losetup pgrep; do
    command -v "$tool" >/dev/null || fail "needs the program $tool (on Debian: apt-get install iproute2 util-linux mount procps)"
  done
  case $(stat -f -c %T "$BED_DIR") in
  overlayfs | tmpfs | nfs | fuseblk)
    fail "$BED_DIR lies on $(stat -f -c %T "$BED_DIR"), which cannot hold the bed: set BED_DIR to a folder on a disk"
    ;;
  esac
  # an installed tree is half of it
  if [ -f "$BED_DIR/rootfs.done" ]; then need_mib disk 2500; else need_mib disk 5000; fi
  need_mib memory "$([ "$1" = heat-fake ] && echo 3000 || echo 5000)"
  grep -qw overlay /proc/filesystems || modprobe overlay 2>/dev/null || fail "needs overlayfs in the kernel"
  [ "$1" = heat-fake ] || preflight_servers
}

# need_mib disk|memory MIB
need_mib() {
  local have
  if [ "$1" = disk ]; then
    have=$(df -Pm "$BED_DIR" | awk 'NR == 2 { print $4 }')
  else
    have=$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)
  fi
  [ "$have" -ge "$2" ] || fail "needs $2 MiB of $1, $have are free$([ "$1" != disk ] || echo " at $BED_DIR: set BED_DIR to another folder")"
}

# Servers that really boot: loop devices for their disks, control groups of version 1 for libvirt's containers.
preflight_servers() {
  losetup -f >/dev/null 2>&1 || fail "needs a free loop device for the disk of each server: modprobe loop, or profile heat-fake"
  [ -f /sys/fs/cgroup/devices/cgroup.procs ] ||
    fail "needs control groups of version 1 (/sys/fs/cgroup/devices): use profile heat-fake, which needs none"
}
