#!/usr/bin/env bash
# shell.sh [COMMAND...]: a shell in the running bed, or one command, as root. `openstack` is there; so are /root/openrc and demorc.
set -euo pipefail
# shellcheck source=settings.sh
. "$(dirname "$0")/settings.sh"
if [ $# = 0 ]; then set -- env TERM="${TERM:-dumb}" bash; fi
inside "$@"
