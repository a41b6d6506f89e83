# Where the bed lives and which addresses it takes. The environment may set any of them, so two beds can run side by side.
# shellcheck shell=bash disable=SC2034  # others use these names
BED_DEFAULT=${XDG_CACHE_HOME:-$HOME/.cache}/jeroboam/openstack-bed
BED_DIR=${BED_DIR:-$BED_DEFAULT}           # installed tree, state, logs; a folder of the bed's own
BED_NAME=${BED_NAME:-jbed}                 # network namespace, control groups, prefix of interface names
BED_HOST=${BED_HOST:-198.18.0.1}           # this machine's side of the link (a /30 of RFC 2544, which no network uses)
BED_API=${BED_API:-198.18.0.2}             # every API listens here
BED_EXT=${BED_EXT:-198.18.1}               # the /24 of the external network: floating addresses
BED_PASSWORD=${BED_PASSWORD:-testbed}      # of every user: a test bed keeps no secrets
BED_MIRROR=${BED_MIRROR:-}                 # where mmdebstrap takes Debian from, as its MIRROR argument; empty: its default

ROOT=$BED_DIR/rootfs # the packages; never written to once installed
RUN=$BED_DIR/run     # overlay, pid file: what down.sh removes
NODE_IMAGE=$BED_DIR/node.raw
MARK=$BED_DIR/.openstack-bed # says that the folder is a bed's
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

say() { printf '%(%T)T bed: %s\n' -1 "$*"; }
fail() {
  echo "bed: $*" >&2
  exit 1
}

# init_pid: prints the pid of the bed's PID 1, fails when no bed runs.
init_pid() {
  local pid
  pid=$(cat "$RUN/init.pid" 2>/dev/null) && [ -n "$pid" ] && grep -qs /opt/testbed/init.sh "/proc/$pid/cmdline" && echo "$pid"
}

# claim: takes BED_DIR for the bed, which writes and removes there. Fails for a folder that is somebody else's.
claim() {
  [ ! -f "$MARK" ] || return 0
  if [ "$BED_DIR" != "$BED_DEFAULT" ] && [ -n "$(ls -A "$BED_DIR" 2>/dev/null)" ]; then
    fail "BED_DIR=$BED_DIR is not empty and no bed's: set it to a folder that is absent or empty (an older bed's: touch $MARK)"
  fi
  mkdir -p "$BED_DIR"
  : >"$MARK"
}

# lock: one up.sh or down.sh at a time. up.sh calls down.sh under its own lock.
lock() {
  [ -z "${BED_LOCKED-}" ] || return 0
  claim
  exec 9>"$BED_DIR/lock"
  flock -n 9 && return
  say "another up.sh or down.sh works on this bed: waiting for it"
  flock -w 3000 9 || fail "it still does after 3000 s (lsof $BED_DIR/lock shows which)"
}

# inside COMMAND...: runs a command in the bed.
inside() (
  pid=$(init_pid) || fail "no bed runs here: start it with make openstack-bed"
  for group in /sys/fs/cgroup/*/"$BED_NAME"; do
    if [ -f "$group/cgroup.procs" ]; then echo 0 >"$group/cgroup.procs"; fi
  done
  exec nsenter -t "$pid" -m -u -i -n -p -C -r -w \
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 "$@" 9>&-
)

# watched TEXT SECONDS LOG COMMAND...: runs a long command with its output in LOG; says every 15 s how far it is.
watched() {
  local text=$1 limit=$2 log=$3 start=$SECONDS pid
  shift 3
  say "$text (log: $log)"
  timeout -k 20 "$limit" "$@" >"$log" 2>&1 </dev/null &
  pid=$!
  # what runs in the background of a script does not hear Ctrl-C
  # shellcheck disable=SC2064  # this pid
  trap "kill $pid 2>/dev/null || true" EXIT
  while kill -0 "$pid" 2>/dev/null; do
    sleep 1
    if [ $(((SECONDS - start) % 15)) = 14 ]; then say "$text: $((SECONDS - start)) s, $(last_words "$log")"; fi
  done
  if wait "$pid"; then
    trap - EXIT
    return
  fi
  tail -20 "$log" >&2
  fail "$text: not done after $((SECONDS - start)) s of at most $limit; the lines above are the end of $log"
}
last_words() { tail -c 400 "$1" | tr '\r' '\n' | sed '/^$/d' | tail -1 | cut -c1-100; }

ensure_mmdebstrap() {
  command -v mmdebstrap >/dev/null && return
  command -v apt-get >/dev/null || fail "needs mmdebstrap, which Debian and Ubuntu have: please install it"
  watched "mmdebstrap is installed" 900 "$BED_DIR/apt.log" \
    sh -c 'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends mmdebstrap'
}

# debian TEXT VARIANT PACKAGES FOLDER: a Debian 12 with these packages and what they depend on.
debian() {
  local paths=() path
  for path in doc man locale; do paths+=("--dpkgopt=path-exclude=/usr/share/$path/*"); done
  watched "$1" 2400 "$4.log" mmdebstrap "--variant=$2" --aptopt='Apt::Install-Recommends "false"' "${paths[@]}" \
    --dpkgopt=force-unsafe-io --include="$3" bookworm "$4" ${BED_MIRROR:+"$BED_MIRROR"}
}
