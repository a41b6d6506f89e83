# found.sh TRIES: make the cluster, unless other members have it already (this machine was made anew). Repeatable.
for _ in $(seq "$1"); do
  is_member && break
  init join && break
  sleep 0.1
done
if ! is_member; then init found || exit 1; fi
# All members serve one certificate. LXD made one of its own; ours is of the cluster's CA, and those who join know it.
cmp -s "$folder/cluster.crt" "$LXD_DIR/cluster.crt" || lxc cluster update-certificate "$folder/cluster.crt" "$folder/cluster.key"
