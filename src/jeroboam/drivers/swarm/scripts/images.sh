# images.sh: container images that came with the node image. None is fine.
set -eu
for archive in /opt/jeroboam/images/*.tar; do
  [ ! -e "$archive" ] || docker load --quiet --input "$archive"
done
