#!/usr/bin/env bash
# Databases, schemas, the Keystone admin: once, on a new bed.
set -euo pipefail
# shellcheck source=lib.sh
. /opt/testbed/lib.sh
[ -f /var/lib/testbed-databases ] && exit 0
for d in keystone glance placement nova nova_api nova_cell0 neutron heat barbican; do
  echo "create database if not exists $d; grant all on $d.* to 'openstack'@'127.0.0.1' identified by '$PASSWORD';"
done | mariadb -uroot

keystone() {
  keystone-manage db_sync
  keystone-manage fernet_setup --keystone-user keystone --keystone-group keystone
  keystone-manage credential_setup --keystone-user keystone --keystone-group keystone
  keystone-manage bootstrap --bootstrap-password "$PASSWORD" --bootstrap-region-id RegionOne \
    --bootstrap-public-url "http://$API:5000/v3" --bootstrap-internal-url "http://$API:5000/v3" \
    --bootstrap-admin-url "http://$API:5000/v3"
}
nova() {
  nova-manage api_db sync
  nova-manage cell_v2 map_cell0 --database_connection "mysql+pymysql://openstack:$PASSWORD@127.0.0.1/nova_cell0"
  nova-manage db sync
  nova-manage cell_v2 create_cell --name cell1
}
neutron() {
  neutron-db-manage --config-file /etc/neutron/neutron.conf --config-file /etc/neutron/plugins/ml2/ml2_conf.ini upgrade heads
  placement-manage db sync
  barbican-manage db upgrade
}
heat() {
  heat-manage db_sync
  glance-manage db_sync
}

declare -A running
for schema in keystone nova neutron heat; do
  $schema >>"$LOGS/db-$schema.log" 2>&1 &
  running[$schema]=$!
done
for schema in "${!running[@]}"; do
  wait "${running[$schema]}" || {
    tail -5 "$LOGS/db-$schema.log" >&2
    echo "the schema of $schema failed: see $LOGS/db-$schema.log" >&2
    exit 1
  }
done
touch /var/lib/testbed-databases
