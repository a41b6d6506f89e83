# engine.sh MANAGER PORT (NAME IDENT)...: images from the manager that offers them into this node's engine. Prints how many bytes came,
# then "present" when nothing was to do, "loaded" when all are there. The node's own certificate says that it is of this cluster.
PATH=/usr/local/bin:/usr/bin:/usr/sbin HOME=/
export PATH HOME
tls=/etc/jeroboam/join
all() {
  while [ $# -gt 1 ]; do
    [ "$(docker image inspect --format '{{.Id}}' "$1" 2>/dev/null)" = "$2" ] || return 1
    shift 2
  done
}
manager=$1 port=$2
shift 2
if all "$@"; then
  echo present
  exit 0
fi
{
  socat -u "OPENSSL:$manager:$port,cafile=$tls/ca.pem,cert=$tls/cert.pem,key=$tls/key.pem,verify=1,commonname=manager,connect-timeout=10" STDOUT |
    { dd bs=64K status=progress 2>&3 | docker load --quiet >/dev/null; } 3>&1 | stdbuf -oL tr '\r' '\n'
} 2>&1
all "$@" || exit 1
echo loaded
