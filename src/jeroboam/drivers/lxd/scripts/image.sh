# image.sh: the image that came with the node image. None is fine.
archive=/opt/jeroboam/images/small.tar.gz
[ -e "$archive" ] || exit 0
lxc image alias list --format csv | grep -q '^small,' || lxc image import "$archive" --alias small
