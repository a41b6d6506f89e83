#!/usr/bin/env bash
# Makes the image of servers that boot: a Debian root file system (ext4, raw) with systemd and cloud-init.
# BED_NODE_NAME=NAME makes another one, NAME.raw, beside it (add-image.sh NAME gives it to a running bed):
# BED_NODE_PACKAGES=a,b adds packages, BED_NODE_FILES=FOLDER copies files over it, BED_NODE_HOOK=PROGRAM runs with the
# tree's path before it is packed. Remove NAME.done to install the packages anew.
set -euo pipefail
# shellcheck source=settings.sh
. "$(dirname "$0")/settings.sh"
claim
name=${BED_NODE_NAME:-node}
tree=$BED_DIR/$name
raw=$tree.raw
if [ ! -f "$tree.done" ]; then
  ensure_mmdebstrap
  rm -rf --one-file-system "$tree"
  debian "the packages of the image $name are installed" minbase \
    "$(paste -sd, "$HERE/node-packages.txt")${BED_NODE_PACKAGES:+,$BED_NODE_PACKAGES}" "$tree"
  touch "$tree.done"
fi
units=$tree/etc/systemd/system
cp -r --remove-destination "$HERE/node/." "$tree/"
: >"$tree/etc/machine-id"
: >"$tree/etc/resolv.conf" # a name server that does not answer costs cloud-init 30 s
rm -f "$tree"/etc/ssh/ssh_host_*
echo testbed-node >"$tree/etc/hostname"
printf '# no mounts\n' >"$tree/etc/fstab"
for unit in systemd-udevd.service systemd-udevd-control.socket systemd-udevd-kernel.socket systemd-udev-trigger.service \
  systemd-modules-load.service sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount \
  sys-fs-fuse-connections.mount dev-hugepages.mount apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer fstrim.timer \
  systemd-firstboot.service; do
  ln -sf /dev/null "$units/$unit"
done
mkdir -p "$units/multi-user.target.wants" "$units/network-online.target.wants"
ln -sf /lib/systemd/system/systemd-networkd.service "$units/multi-user.target.wants/"
ln -sf /lib/systemd/system/systemd-networkd-wait-online.service "$units/network-online.target.wants/"
if [ -n "${BED_NODE_FILES-}" ]; then cp -r --remove-destination "$BED_NODE_FILES/." "$tree/"; fi
if [ -n "${BED_NODE_HOOK-}" ]; then "$BED_NODE_HOOK" "$tree"; fi
rm -f "$raw.part"
# as small as it goes: Nova grows the file system to the flavor's disk
size=$(($(du -sm --one-file-system "$tree" | cut -f1) * 115 / 100 + 60))
truncate -s "${size}M" "$raw.part"
mke2fs -q -t ext4 -m 0 -L node-root -d "$tree" "$raw.part"
mv "$raw.part" "$raw"
say "image $name: $(du -h "$raw" | cut -f1) in $raw"
