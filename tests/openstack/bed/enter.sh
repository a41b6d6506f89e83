#!/usr/bin/env bash
# Runs as PID 1 of new mount, pid, uts and ipc namespaces: moves into control groups of its own, mounts the root, becomes init.
set -euo pipefail
# shellcheck source=settings.sh
. "$(dirname "$0")/settings.sh"
m=$RUN/root
cgroups=()
for c in cpu cpuacct cpuset memory devices freezer blkio pids systemd; do
  if [ -f "/sys/fs/cgroup/$c/cgroup.procs" ]; then cgroups+=("$c"); fi
done
if [ "${1:-}" != mount ]; then
  for c in "${cgroups[@]}"; do
    g=/sys/fs/cgroup/$c/$BED_NAME
    mkdir -p "$g"
    if [ "$c" = cpuset ]; then
      cat /sys/fs/cgroup/cpuset/cpuset.cpus >"$g/cpuset.cpus"
      cat /sys/fs/cgroup/cpuset/cpuset.mems >"$g/cpuset.mems"
    fi
    echo 0 >"$g/cgroup.procs"
  done
  # a version 2 tree beside them: servers' systemd mounts it and must find only its own part
  if [ -f /sys/fs/cgroup/unified/cgroup.procs ]; then
    mkdir -p "/sys/fs/cgroup/unified/$BED_NAME"
    echo 0 >"/sys/fs/cgroup/unified/$BED_NAME/cgroup.procs"
  fi
  exec unshare --cgroup "$0" mount
fi

mkdir -p "$m" "$RUN/upper" "$RUN/work"
mount -t overlay overlay -o "lowerdir=$ROOT,upperdir=$RUN/upper,workdir=$RUN/work" "$m"
mkdir -p "$m/.old" "$m/opt/testbed"
mount -t proc proc "$m/proc"
mount -t sysfs sysfs "$m/sys"
mount --rbind /dev "$m/dev"
mount -t tmpfs tmpfs "$m/run"
mount -t tmpfs tmpfs "$m/tmp"
mkdir -p "$m/run/lock" "$m/run/netns"
# The version 1 trees only: beside a version 2 tree libvirt 9.0 starts no container
# ("Unable to create directory /sys/fs/cgroup/unified").
mount -t tmpfs -o mode=755 tmpfs "$m/sys/fs/cgroup"
for c in "${cgroups[@]}"; do
  mkdir "$m/sys/fs/cgroup/$c"
  if [ "$c" = systemd ]; then o=none,name=systemd; else o=$c; fi
  mount -t cgroup -o "$o" cgroup "$m/sys/fs/cgroup/$c"
done
if [ -f "$NODE_IMAGE" ]; then
  touch "$m/opt/testbed/node.raw"
  mount --bind "$NODE_IMAGE" "$m/opt/testbed/node.raw"
fi
hostname testbed
cd "$m"
pivot_root . .old
cd /
umount -l /.old
exec /opt/testbed/init.sh
