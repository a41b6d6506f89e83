#!/usr/bin/env bash
# Magnum beside the rest, for comparisons: bench/openstack.py. Safe to run again.
set -euo pipefail
# shellcheck source=lib.sh
. /opt/testbed/lib.sh
if [ ! -f /var/lib/testbed-magnum ]; then
  echo "create database if not exists magnum; grant all on magnum.* to 'openstack'@'127.0.0.1' identified by '$PASSWORD';" |
    mariadb -uroot
  {
    magnum-db-manage upgrade
    timeout 120 python3 /opt/testbed/magnum.py
  } >>"$LOGS/db-magnum.log" 2>&1 || {
    tail -5 "$LOGS/db-magnum.log" >&2
    exit 1
  }
  touch /var/lib/testbed-magnum
fi
mkdir -p /var/lib/magnum/tmp /var/lib/magnum/discovery
# instead of the public one of etcd, which no node here asks
echo -n "http://$API:8099/nodes" >/var/lib/magnum/discovery/discovery
daemon discovery python3 -m http.server --bind 127.0.0.1 --directory /var/lib/magnum/discovery 8099
daemon magnum-api magnum-api
daemon magnum-conductor magnum-conductor
wait_for 60 "port 8099" port_open 8099
wait_for 120 "port 9511" port_open 9511
