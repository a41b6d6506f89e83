# How a node becomes a member. Passwords come from files, never from arguments.
set -u
export LXD_DIR=/data/lxd HOME=/root
folder=/etc/jeroboam/lxd
. /etc/jeroboam/bridge
own=$(ip -4 route get "$ENDPOINT" | sed -n 's/.* src \([0-9.]*\).*/\1/p')
is_member() { timeout 10 lxc query /1.0/cluster 2>/dev/null | grep -q '"enabled": true'; }
init() { sed "s/@ADDRESS@/$own/" "$folder/$1.json" | timeout --kill-after=5 60 lxd init --preseed; }
# LXD deadlocks when two nodes join at once, so the first member lets in one at a time: it says "go" and waits until we hang up.
begin_turn() {
  exec {turn}< <(exec socat -T120 -,ignoreeof "OPENSSL:$ENDPOINT:8444,cafile=$folder/server.ca,cert=$folder/server.crt,key=$folder/server.key,verify=1,commonname=lxd-cluster" </dev/null 2>/dev/null)
  guard=$!
  local said=""
  read -r -t 110 said <&"$turn"
  [ "$said" = go ]
}
end_turn() { kill "$guard" 2>/dev/null; exec {turn}<&-; }
# A join that stopped half way leaves this node unusable, and perhaps its name in the cluster, as does a machine made anew.
start_over() {
  systemctl kill -s KILL lxd; systemctl stop lxd
  for mounted in "$LXD_DIR/shmounts" "$LXD_DIR/devlxd"; do umount -l "$mounted" 2>/dev/null; done
  rm -rf "${LXD_DIR:?}"/*
  systemctl start lxd
  local conf
  conf=$(mktemp -d)
  cp "$folder/server.crt" "$conf/client.crt"; cp "$folder/server.key" "$conf/client.key"; cp "$folder/server.ca" "$conf/client.ca"
  printf '{"default-remote": "c", "remotes": {"c": {"addr": "https://%s:%s", "auth_type": "tls", "protocol": "lxd"}}}' \
    "$ENDPOINT" "$PORT" >"$conf/config.yml"
  LXD_CONF=$conf timeout 60 lxc query -X DELETE "c:/1.0/cluster/members/$(hostname)?force=1"
  rm -rf "$conf"
}
join() {
  local ok=1
  init join && ok=0
  end_turn
  [ "$ok" = 0 ] || start_over
  return "$ok"
}
