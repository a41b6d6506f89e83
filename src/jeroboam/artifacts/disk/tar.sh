# On the bench: the tree as a tar.
set -e
tar -C /bake/tree --numeric-owner --xattrs --sort=name -cf /bake/out/image .
