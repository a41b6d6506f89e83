# check.sh PROGRAM...: does this machine have these, and what nodes need? Says the first thing that it lacks.
for program in bash systemctl tar comm find xargs hostname setsid flock cmp "$@"; do
  command -v "$program" >/dev/null || { echo "has no program $program" >&2; exit 1; }
done
[ "$(id -u)" = 0 ] || { echo "does not give root's rights" >&2; exit 1; }
[ -d /run/systemd/system ] || { echo "does not run systemd" >&2; exit 1; }
