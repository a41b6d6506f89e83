# Shared by the scripts that run inside the bed.
# shellcheck shell=bash disable=SC2034
LOGS=/var/log/testbed
PIDS=/run/testbed
mkdir -p "$LOGS" "$PIDS"
# shellcheck source=/dev/null
. /opt/testbed/settings # PROFILE, API, HOST, EXT, EXT_GW, PASSWORD

say() { printf '%(%T)T bed: %s\n' -1 "$*"; }

# daemon NAME COMMAND...: start it once, detached, with its own log and pid file.
daemon() {
  local name=$1
  shift
  if [ -f "$PIDS/$name.pid" ] && kill -0 "$(cat "$PIDS/$name.pid")" 2>/dev/null; then return 0; fi
  setsid "$@" >>"$LOGS/$name.log" 2>&1 </dev/null &
  echo $! >"$PIDS/$name.pid"
}

# wait_for SECONDS TEXT COMMAND...: until the command succeeds.
wait_for() {
  local left=$1 text=$2
  shift 2
  local end=$((SECONDS + left))
  until "$@" >/dev/null 2>&1; do
    if [ $SECONDS -ge $end ]; then
      echo "no $text after $left s; logs: $LOGS" >&2
      return 1
    fi
    sleep 0.5
  done
}
port_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# wsgi NAME PORT SCRIPT PROCESSES: one small uwsgi for a WSGI application.
wsgi() {
  daemon "$1" uwsgi --plugin python3 --http-socket "0.0.0.0:$2" --wsgi-file "$3" \
    --master --processes "$4" --enable-threads --die-on-term --need-app \
    --buffer-size 65535 --logformat '%(addr) "%(method) %(uri) %(proto)" %(status)' --add-header 'Connection: close' \
    --procname-prefix "$1 " "${@:5}"
}
