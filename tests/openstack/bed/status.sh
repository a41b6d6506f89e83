#!/usr/bin/env bash
# status.sh: prints the profile of the bed that is up; fails when none is, or when it is not ready.
set -euo pipefail
# shellcheck source=settings.sh
. "$(dirname "$0")/settings.sh"
init_pid >/dev/null || fail "no bed runs here"
cat "$RUN/ready" 2>/dev/null || fail "a bed runs and is not ready: make openstack-bed goes on with it"
