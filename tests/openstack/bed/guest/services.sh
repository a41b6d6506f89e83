#!/usr/bin/env bash
# Starts the OpenStack daemons of the profile.
set -euo pipefail
# shellcheck source=lib.sh
. /opt/testbed/lib.sh
export PYTHONWARNINGS=ignore
N=(--config-file /etc/neutron/neutron.conf)
wsgi keystone 5000 /usr/bin/keystone-wsgi-public 2
wait_for 60 Keystone port_open 5000
wait_for 120 RabbitMQ port_open 5672
if [ ! -f /var/lib/testbed-identity ]; then
  python3 /opt/testbed/identity.py >>"$LOGS/identity.log" 2>&1 || { tail -5 "$LOGS/identity.log" >&2; exit 1; }
  touch /var/lib/testbed-identity
fi

daemon glance glance-api --config-file /etc/glance/glance-api.conf
wsgi placement 8778 /usr/bin/placement-api 1
daemon neutron neutron-server "${N[@]}" --config-file /etc/neutron/plugins/ml2/ml2_conf.ini
daemon nova-api nova-api
daemon nova-conductor nova-conductor
daemon nova-scheduler nova-scheduler
daemon heat heat-all
wsgi barbican 9311 /usr/bin/barbican-wsgi-api 1
if [ "$PROFILE" = heat-fake ]; then
  daemon nova-compute nova-compute
else
  mkdir -p /run/libvirt
  daemon libvirtd libvirtd --config /opt/testbed/libvirtd.conf
  if ! ip link show br-ex >/dev/null 2>&1; then
    ip link add br-ex type bridge
    ip addr add "$EXT_GW/24" dev br-ex
    ip link set br-ex up
  fi
  sysctl -qw net.ipv4.ip_forward=1
fi
for p in 9292 8778 9696 8774 8004 8000 9311; do wait_for 120 "port $p" port_open $p; done
if [ "$PROFILE" != heat-fake ]; then
  # only now: what an agent asks before Neutron listens is lost, and it asks again half a minute later
  wait_for 60 "Neutron's RPC" pgrep -f 'neutron-server: rpc worker'
  daemon linuxbridge python3 /opt/testbed/linuxbridge_agent.py "${N[@]}" --config-file /etc/neutron/plugins/ml2/linuxbridge_agent.ini
  daemon l3 neutron-l3-agent "${N[@]}" --config-file /etc/neutron/l3_agent.ini
  daemon dhcp neutron-dhcp-agent "${N[@]}" --config-file /etc/neutron/dhcp_agent.ini
  daemon metadata neutron-metadata-agent "${N[@]}" --config-file /etc/neutron/metadata_agent.ini
  daemon nova-compute python3 /opt/testbed/nova_compute.py
fi
