# init.sh ADDRESS POOL BITS: a swarm of one manager. Repeatable.
set -eu
state() { docker info --format '{{.Swarm.LocalNodeState}}'; }
[ "$(state)" = active ] && exit 0
docker swarm init --advertise-addr "$1" --listen-addr "$1" --default-addr-pool "$2" --default-addr-pool-mask-length "$3" >/dev/null
[ "$(state)" = active ]
