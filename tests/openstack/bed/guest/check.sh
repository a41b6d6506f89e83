#!/usr/bin/env bash
# Real calls to every service; the exit code is that of the first one that fails.
set -euo pipefail
# shellcheck source=lib.sh
. /opt/testbed/lib.sh
# shellcheck source=/dev/null
. /root/demorc
cd /opt/testbed/templates
stacks="check-trivial check-servers check-wait"
lap() {
  say "$1: $((SECONDS - t)) s"
  t=$SECONDS
}
create() {
  timeout 400 openstack stack create --wait --timeout 6 "$@" -c stack_status -f value | tail -1 | grep -x CREATE_COMPLETE
}
t=$SECONDS
openstack token issue -c expires -f value
lap "token"
for s in $stacks; do openstack stack delete -y --wait "$s" >/dev/null 2>&1 || true; done
t=$SECONDS
create -t trivial.yaml check-trivial
lap "trivial stack"
if [ "$PROFILE" = heat-fake ]; then image=blank; else image=debian-node; fi
# under TCG several servers that boot at once starve each other: one is enough there
if [ "$PROFILE" = qemu ]; then count=0; else count=2; fi
create -t servers.yaml --parameter "image=$image" --parameter "count=$count" check-servers
openstack server list -c Status -c Networks -f value
lap "network, router, floating address, $((count + 1)) servers"
if [ "$PROFILE" != heat-fake ]; then
  [ "$PROFILE" != qemu ] || openstack stack delete -y --wait check-servers >/dev/null
  # servers that really boot: cloud-init runs the user data, which signals the stack; then ssh over the floating address
  mkdir -p /root/.ssh
  [ -f /root/.ssh/id ] || ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id
  create -t node.yaml --parameter "key=$(cat /root/.ssh/id.pub)" check-wait
  address=$(openstack stack output show check-wait address -c output_value -f value)
  # shellcheck disable=SC2016  # expanded by the server
  timeout 30 ssh -q -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ConnectTimeout=10 -i /root/.ssh/id \
    "root@$address" 'echo "$(hostname): $(systemd-analyze | head -1)"'
  lap "booted server signalled the stack, ssh"
else
  (
    sleep 3
    timeout 100 python3 /opt/testbed/answer.py check-wait 90
  ) &
  create -t nodes.yaml --parameter image=blank --parameter count=1 check-wait
  lap "wait condition, answered for the server"
fi
openstack secret store -n check -p payload -f value -c 'Secret href'
lap "secret"
for s in $stacks; do openstack stack delete -y --wait "$s" >/dev/null 2>&1 || true; done
lap "stacks deleted"
