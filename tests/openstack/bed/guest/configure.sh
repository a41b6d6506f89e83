#!/usr/bin/env bash
# Writes /etc/<service>/* from /opt/testbed/etc, fills in the addresses.
set -euo pipefail
# shellcheck source=lib.sh
. /opt/testbed/lib.sh

AUTHTOKEN="www_authenticate_uri = http://$API:5000
auth_url = http://127.0.0.1:5000/v3
auth_type = password
project_domain_name = Default
user_domain_name = Default
project_name = service
password = $PASSWORD
memcached_servers = 127.0.0.1:11211
interface = public"

if [ "$PROFILE" = heat-fake ]; then
  MECH=nullbind
  NOVA_COMPUTE="compute_driver = fake.FakeDriver
vif_plugging_timeout = 0
vif_plugging_is_fatal = false"
  NOVA_LIBVIRT=
else
  MECH=linuxbridge
  NOVA_COMPUTE="compute_driver = libvirt.LibvirtDriver
force_raw_images = true
use_cow_images = false
force_config_drive = false
flat_injected = false
vif_plugging_timeout = 60
vif_plugging_is_fatal = false
resume_guests_state_on_host_boot = false"
  NOVA_LIBVIRT="[libvirt]
virt_type = $PROFILE
images_type = raw
inject_partition = -2
cpu_mode = none
$([ "$PROFILE" != qemu ] || echo 'tb_cache_size = 64')
[nova_sys_admin]
helper_command = privsep-helper --config-file /etc/nova/nova.conf
[vif_plug_linux_bridge_privileged]
helper_command = privsep-helper --config-file /etc/nova/nova.conf
[privsep_osbrick]
helper_command = privsep-helper --config-file /etc/nova/nova.conf
[compute]
consecutive_build_service_disable_threshold = 0"
fi
export AUTHTOKEN MECH NOVA_COMPUTE NOVA_LIBVIRT API HOST PASSWORD
cd /opt/testbed/etc
find . -type f | while read -r f; do
  mkdir -p "/etc/$(dirname "$f")"
  python3 - "$f" >"/etc/$f" <<'PY'
import os, re, sys
print(re.sub(r'@([A-Z_]+)@', lambda m: os.environ.get(m.group(1), m.group(0)), open(sys.argv[1]).read()), end='')
PY
done
chmod +x /etc/libvirt/hooks/lxc
mkdir -p /var/lib/nova/{lock,instances} /var/lib/neutron/lock /var/lib/glance/images \
  /etc/keystone/fernet-keys /etc/keystone/credential-keys
chown -R keystone:keystone /etc/keystone/fernet-keys /etc/keystone/credential-keys

# Neutron finds the agentless mechanism driver as an entry point.
site=/usr/lib/python3/dist-packages
cp /opt/testbed/nullbind.py $site/neutron/plugins/ml2/drivers/nullbind.py
mkdir -p $site/testbed_nullbind-1.dist-info
printf 'Metadata-Version: 2.1\nName: testbed-nullbind\nVersion: 1\n' >$site/testbed_nullbind-1.dist-info/METADATA
printf '[neutron.ml2.mechanism_drivers]\nnullbind = neutron.plugins.ml2.drivers.nullbind:NullBindMechanismDriver\n' \
  >$site/testbed_nullbind-1.dist-info/entry_points.txt

cat >/root/openrc <<RC
export OS_AUTH_URL=http://$API:5000/v3 OS_IDENTITY_API_VERSION=3 OS_REGION_NAME=RegionOne
export OS_USERNAME=admin OS_PASSWORD=$PASSWORD OS_PROJECT_NAME=admin
export OS_USER_DOMAIN_NAME=Default OS_PROJECT_DOMAIN_NAME=Default OS_INTERFACE=public
RC
sed 's/=admin/=demo/g' /root/openrc >/root/demorc
