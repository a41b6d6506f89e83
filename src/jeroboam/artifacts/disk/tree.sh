# In the oven: the root of a server in /bake/tree. The container's own leavings go, and the baked state of containerd lies where it is used,
# since a server's root is no overlay.
set -e
rm -rf /bake/tree /bake/out
mkdir -p /bake/tree /bake/out
cp -ax /. /bake/tree
cd /bake/tree
rm -rf .dockerenv bake run/* tmp/* var/tmp/* var/cache/apt/* var/lib/apt/lists/* etc/resolv.conf etc/hostname etc/hosts
ln -s ../run/systemd/resolve/resolv.conf etc/resolv.conf
echo localhost >etc/hostname
printf '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n' >etc/hosts
: >etc/machine-id
baked=opt/jeroboam/containerd
if [ -d $baked ]; then
  mkdir -p var/lib/containerd
  cp -a $baked/state/. var/lib/containerd/
  mkdir -p var/lib/containerd/io.containerd.snapshotter.v1.overlayfs
  mv $baked/snapshots var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots
  rm -rf $baked
fi
