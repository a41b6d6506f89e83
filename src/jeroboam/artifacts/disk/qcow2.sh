
# Compressed.
stat -c %s $out >/bake/out/inside
mv $out /bake/out/raw
qemu-img convert -f raw -O qcow2 -c -m 2 /bake/out/raw $out
rm /bake/out/raw
