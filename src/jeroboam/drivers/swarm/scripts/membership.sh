# How a node becomes a member. Tokens are no arguments of processes, which everybody on a node can read: builtins and pipes only.
set -u
tls=/etc/jeroboam/join
state() { docker info --format '{{.Swarm.LocalNodeState}}'; }
member() { # whether this node is one already; one whose engine just started says "pending" until it has found the others
  for _ in $(seq 240); do
    case $(state) in active) return 0 ;; pending) sleep 0.25 ;; *) return 1 ;; esac
  done
  echo "the swarm that this node belongs to does not answer"
  exit 1
}
address() { ip -4 route get "$1" | sed -n 's/.* src \([0-9.]*\).*/\1/p'; }
token() { # token MANAGERS: for what this node's certificate says
  socat -T10 - "OPENSSL:$1:2378,cafile=$tls/ca.pem,cert=$tls/cert.pem,key=$tls/key.pem,verify=1,commonname=manager" </dev/null 2>/dev/null
}
join() { # join MANAGERS TOKEN. Source: Docker Engine API v1.41, POST /swarm/join
  local body own
  own=$(address "$1")
  body=$(printf '{"ListenAddr": "%s:2377", "AdvertiseAddr": "%s", "RemoteAddrs": ["%s:2377"], "JoinToken": "%s"}' "$own" "$own" "$1" "$2")
  printf 'POST /v1.41/swarm/join HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' "${#body}" "$body" |
    timeout 60 socat -t60 -,ignoreeof UNIX-CONNECT:/var/run/docker.sock
  [ "$(state)" = active ] && return 0
  timeout 30 docker swarm leave --force >/dev/null 2>&1
  return 1
}
