#!/usr/bin/env bash
# Flavors, images, the external network. Safe to run again.
set -euo pipefail
# shellcheck source=lib.sh
. /opt/testbed/lib.sh
# shellcheck source=/dev/null
. /root/openrc
timeout 120 python3 /opt/testbed/seed.py
