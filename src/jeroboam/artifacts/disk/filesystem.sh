# On the bench: the tree as an ext4 file system without a partition table, as small as it goes: whoever boots it grows it.
# Left out is what kernels and GRUB of these years cannot read.
set -e
mib=$(($(du -sm /bake/tree | cut -f1) * 110 / 100 + 64))
mke2fs -q -t ext4 -m 0 -L jeroboam-root -O ^metadata_csum_seed,^orphan_file -d /bake/tree /bake/out/image "${mib}M"
