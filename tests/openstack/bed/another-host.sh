#!/usr/bin/env bash
# another-host.sh NAME: one more host beside the bed's own, as long as the bed is up. For heat-fake, where servers boot nothing.
set -euo pipefail
# shellcheck source=settings.sh
. "$(dirname "$0")/settings.sh"
name=${1:?a name for the host}
[ "$(cat "$RUN/ready" 2>/dev/null)" = heat-fake ] || fail "a second host needs a bed of profile heat-fake"
# shellcheck disable=SC2016  # the bed's shell reads it
inside bash -c '
  set -euo pipefail
  . /opt/testbed/lib.sh
  printf "[DEFAULT]\nhost = %s\n" "$1" >"/etc/nova/host-$1.conf"
  daemon "nova-compute-$1" nova-compute --config-file /etc/nova/nova.conf --config-file "/etc/nova/host-$1.conf"
' _ "$name"
