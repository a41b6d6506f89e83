# held.sh (NAME IDENT)...: "present" when containerd has all these images, else "lacking" and the digests of what it holds.
if all "$@"; then echo present; else echo lacking; ctr -n k8s.io content ls -q; fi
