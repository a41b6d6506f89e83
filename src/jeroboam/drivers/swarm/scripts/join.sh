# join.sh MANAGER PORT: fetch a token and join, until the swarm has this node. Repeatable.
# Tokens are no arguments of processes, which everybody on a node can read: builtins and pipes only.
set -u
tls=/etc/jeroboam/join
address=$(ip -4 route get "$1" | sed -n 's/.* src \([0-9.]*\).*/\1/p')
state() { docker info --format '{{.Swarm.LocalNodeState}}'; }
token() {
  socat -T10 - "OPENSSL:$1:$2,cafile=$tls/ca.pem,cert=$tls/cert.pem,key=$tls/key.pem,verify=1,commonname=manager" </dev/null 2>/dev/null
}
join() { # Source: Docker Engine API v1.41, POST /swarm/join
  local body
  body=$(printf '{"ListenAddr": "%s:2377", "AdvertiseAddr": "%s", "RemoteAddrs": ["%s:2377"], "JoinToken": "%s"}' \
    "$address" "$address" "$1" "$2")
  printf 'POST /v1.41/swarm/join HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' "${#body}" "$body" |
    timeout 60 socat -t60 -,ignoreeof UNIX-CONNECT:/var/run/docker.sock
}
until [ "$(state)" = active ]; do
  secret=$(token "$1" "$2")
  if [ -z "$secret" ]; then sleep 0.2; continue; fi
  join "$1" "$secret"
  [ "$(state)" = active ] || timeout 30 docker swarm leave --force >/dev/null 2>&1 || true
done
