#!/usr/bin/env bash
# up.sh [--profile heat-fake|lxc|qemu] [--with-magnum] [--check] [--build-only]: brings up a real, small OpenStack. See README.md.
# A bed that runs is left as it is; steps that are done are not done again.
set -euo pipefail
# shellcheck source=settings.sh
. "$(dirname "$0")/settings.sh"
# shellcheck source=preflight.sh
. "$HERE/preflight.sh"
PROFILE=heat-fake CHECK='' BUILD_ONLY='' MAGNUM=''
while [ $# -gt 0 ]; do
  case $1 in
  --profile=*) PROFILE=${1#*=} ;;
  --profile) PROFILE=${2-} && shift ;;
  --with-magnum) MAGNUM=1 ;;
  --check) CHECK=1 ;;
  --build-only) BUILD_ONLY=1 ;;
  *)
    sed -n '2,3p' "$0" >&2
    exit 2
    ;;
  esac
  shift
done
case $PROFILE in heat-fake | lxc | qemu) ;; *) fail "profile '$PROFILE' is not known; there are heat-fake, lxc and qemu" ;; esac
start=$SECONDS
[ "$(id -u)" = 0 ] || fail "needs root: it mounts, makes network namespaces and installs Debian packages into a tree of its own"
lock

install_tree() {
  local wanted
  wanted=$(sha256sum <"$HERE/packages.txt")
  [ "$(cat "$BED_DIR/rootfs.done" 2>/dev/null)" = "$wanted" ] && return
  ! init_pid >/dev/null || fail "packages.txt changed under a running bed: make openstack-bed-down first"
  ensure_mmdebstrap
  rm -rf --one-file-system "$BED_DIR"/rootfs*.done "$ROOT" "$ROOT.part"
  debian "OpenStack's packages are installed, once, for some minutes" apt "$(paste -sd, "$HERE/packages.txt")" "$ROOT.part"
  mv "$ROOT.part" "$ROOT"
  echo "$wanted" >"$BED_DIR/rootfs.done"
}

install_qemu() {
  [ "$PROFILE" = qemu ] && [ ! -f "$BED_DIR/rootfs-qemu.done" ] || return 0
  ! init_pid >/dev/null || fail "qemu is not installed under a running bed: make openstack-bed-down first"
  watched "qemu and a guest kernel are installed" 900 "$BED_DIR/rootfs-qemu.log" \
    env DEBIAN_FRONTEND=noninteractive chroot "$ROOT" sh -c "dpkg --configure -a && apt-get update -qq && apt-get install -qq -y \
    --no-install-recommends qemu-system-x86 seabios libvirt-daemon-driver-qemu linux-image-cloud-amd64 initramfs-tools"
  touch "$BED_DIR/rootfs-qemu.done"
}

install_magnum() {
  [ -n "$MAGNUM" ] && [ ! -f "$BED_DIR/rootfs-magnum.done" ] || return 0
  ! init_pid >/dev/null || fail "Magnum is not installed under a running bed: make openstack-bed-down first"
  watched "Magnum is installed" 900 "$BED_DIR/rootfs-magnum.log" \
    env DEBIAN_FRONTEND=noninteractive chroot "$ROOT" sh -c "apt-get update -qq && apt-get install -qq -y \
    --no-install-recommends magnum-api magnum-conductor"
  touch "$BED_DIR/rootfs-magnum.done"
}

make_node_image() {
  [ "$PROFILE" != heat-fake ] || return 0
  if [ ! -f "$NODE_IMAGE" ] || [ -n "$(find "$HERE/node" -type f -newer "$NODE_IMAGE")" ]; then "$HERE/node-image.sh"; fi
}

# One link from this machine into a network namespace, and the route to the floating addresses.
make_network() {
  local other
  ip link show "${BED_NAME}0" >/dev/null 2>&1 && return
  other=$(ip -o addr show to "$BED_HOST" | awk '{ print $2; exit }')
  [ -z "$other" ] || fail "BED_HOST=$BED_HOST is the address of $other already, another bed's perhaps: set BED_HOST, BED_API and BED_EXT"
  ip netns list | grep -qw "$BED_NAME" || ip netns add "$BED_NAME"
  ip link add "${BED_NAME}0" type veth peer name api0 netns "$BED_NAME"
  ip addr add "$BED_HOST/30" dev "${BED_NAME}0"
  ip link set "${BED_NAME}0" up
  ip route replace "$BED_EXT.0/24" via "$BED_API" dev "${BED_NAME}0" onlink
  ip -n "$BED_NAME" addr add "$BED_API/30" dev api0
  ip -n "$BED_NAME" link set api0 up
  ip -n "$BED_NAME" link set lo up
  ip -n "$BED_NAME" route add default via "$BED_HOST"
}

# What the bed finds in its own tree: scripts, templates, settings; names, but no name server.
fill_tree() {
  local own=$RUN/upper/opt/testbed
  mkdir -p "$own" "$RUN/upper/etc"
  cp -r "$HERE"/guest/. "$HERE/etc" "$HERE/templates" "$own/"
  printf '%s\n' "PROFILE=$PROFILE" "API=$BED_API" "HOST=$BED_HOST" "EXT=$BED_EXT" "EXT_GW=$BED_EXT.1" "PASSWORD=$BED_PASSWORD" \
    >"$own/settings"
  printf '127.0.0.1 localhost\n%s testbed\n' "$BED_API" >"$RUN/upper/etc/hosts"
  # a look-up that times out costs RabbitMQ 8 s for every connection
  : >"$RUN/upper/etc/resolv.conf"
}

start_init() {
  local parent pid
  export BED_DIR BED_NAME BED_HOST BED_API BED_EXT BED_PASSWORD
  setsid nsenter --net="/run/netns/$BED_NAME" unshare --mount --uts --ipc --pid --fork "$HERE/enter.sh" \
    >"$RUN/init.log" 2>&1 </dev/null 9>&- &
  parent=$!
  # shellcheck disable=SC2064  # this pid
  trap "end_init $parent" EXIT # a bed that is late must not go on without its pid file: nobody would end it
  for _ in $(seq 100); do
    sleep 0.1
    pid=$(pgrep -P "$parent" || true)
    if [ -n "$pid" ] && grep -qs /opt/testbed/init.sh "/proc/$pid/cmdline"; then
      echo "$pid" >"$RUN/init.pid"
      trap - EXIT
      return
    fi
  done
  cat "$RUN/init.log" >&2
  fail "the bed's PID 1 did not start within 10 s; the lines above are $RUN/init.log"
}

# end_init PARENT: ends a bed that did not start, its PID 1 first, which takes along all that is in it.
end_init() {
  local pid
  for pid in $(pgrep -P "$1") "$1"; do kill -KILL "$pid" 2>/dev/null || true; done
}

start_services() {
  local step log=$RUN/upper/var/log/testbed
  for step in configure backing databases services seed; do
    inside timeout 500 "/opt/testbed/$step.sh" || fail "the step $step failed after $((SECONDS - start)) s; the logs are in $log"
    say "$step is done after $((SECONDS - start)) s"
  done
  install -m 600 "$RUN/upper/root/openrc" "$BED_DIR/openrc"
  install -m 600 "$RUN/upper/root/demorc" "$BED_DIR/demorc"
  echo "$PROFILE" >"$RUN/ready"
}

if [ "$(cat "$RUN/ready" 2>/dev/null)" = "$PROFILE" ] && init_pid >/dev/null; then
  say "a bed of profile $PROFILE is up already"
  install_magnum
else
  if init_pid >/dev/null && ! grep -qx "PROFILE=$PROFILE" "$RUN/upper/opt/testbed/settings"; then
    fail "a bed of another profile runs: make openstack-bed-down first"
  fi
  preflight "$PROFILE"
  install_tree
  install_qemu
  install_magnum
  make_node_image
  say "the packages are there after $((SECONDS - start)) s"
  [ -z "$BUILD_ONLY" ] || exit 0
  if ! init_pid >/dev/null; then
    BED_LOCKED=1 "$HERE/down.sh" # what a dead bed left
    make_network
    fill_tree
    start_init
  fi
  start_services
fi
[ -z "$MAGNUM" ] || inside timeout 300 /opt/testbed/magnum.sh || fail "Magnum did not start; the logs are in $RUN/upper/var/log/testbed"
[ -z "$CHECK" ] || "$HERE/check.sh"
say "up after $((SECONDS - start)) s: profile $PROFILE, Keystone http://$BED_API:5000/v3, credentials in $BED_DIR/openrc and demorc"
