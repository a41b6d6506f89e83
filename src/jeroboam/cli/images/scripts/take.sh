# take.sh SIZE (NAME IDENT)...: images from stdin, whose SIZE bytes are an archive, into containerd. "send" asks for them; a dot now and
# then keeps the connection open; "loaded" when all are there. A name whose image is not whole goes.
size=$1
shift
echo send
while sleep 5 >/dev/null 2>&1; do echo .; done &
dots=$!
head -c "$size" | $images import - >/dev/null
kill "$dots"
if all "$@"; then
  echo loaded
  exit 0
fi
while [ $# -gt 1 ]; do
  unpacked "$1" || $images rm "$1" "$2" >/dev/null 2>&1 # the kubelet's side names it by its digest as well
  shift 2
done
exit 1
