#!/usr/bin/env bash
# add-image.sh NAME: gives the image NAME.raw, made by node-image.sh with BED_NODE_NAME=NAME, to the running bed.
set -euo pipefail
# shellcheck source=settings.sh
. "$(dirname "$0")/settings.sh"
raw=$BED_DIR/${1:?the name of an image}.raw
[ -f "$raw" ] || fail "$raw is not there: make it with BED_NODE_NAME=$1 node-image.sh"
# shellcheck disable=SC2016  # $1 is the inner shell's
inside bash -c '. /root/openrc; openstack image create --public --container-format bare --disk-format raw \
  --property os_distro=debian -c name -c size -c status -f value "$1"' - "$1" <"$raw"
