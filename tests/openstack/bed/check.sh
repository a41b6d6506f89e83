#!/usr/bin/env bash
# Tries the running bed with real stacks; the exit code is that of the first call that fails.
set -euo pipefail
# shellcheck source=settings.sh
. "$(dirname "$0")/settings.sh"
inside /opt/testbed/check.sh
