# What the scripts for containerd share: whether it has images, by their names and the digests of their configurations. An import that
# fails while it unpacks leaves the name behind, so a name alone says nothing.
PATH=/usr/local/bin:/usr/bin:/usr/sbin
export PATH
images="ctr -n k8s.io images" content="ctr -n k8s.io content"
unpacked() { $images check "name==$1" 2>/dev/null | grep -q ' true *$'; }
have() {
  digest=$($images ls "name==$1" 2>/dev/null | sed -n 's/.* \(sha256:[0-9a-f]\{64\}\) .*/\1/p')
  [ -n "$digest" ] && $content get "$digest" 2>/dev/null | grep -qF "$2" && unpacked "$1"
}
all() {
  while [ $# -gt 1 ]; do
    have "$1" "$2" || return 1
    shift 2
  done
}
