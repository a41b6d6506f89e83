# On the bench: the tree as a whole disk that boots by BIOS and by UEFI. GPT; GRUB's own partition, one for UEFI, and the root, which is the
# last, so that it can grow. Nothing is mounted and no loop device is used. The root is found by its label, wherever the disk is plugged in.
# Sources: GRUB 2.06, grub-core/boot/i386/pc/boot.S and diskboot.S (where the boot sector says where GRUB lies), util/setup.c (what
# grub-bios-setup writes there); UEFI 2.10, 3.5.1.1 (name of the boot loader on a disk that nobody has registered).
set -e
out=/bake/out/image
core_at=2048 efi_at=4096 efi_sectors=81920 root_at=86016 # sectors of 512 bytes
work=$(mktemp -d)

kernel=$(cd /bake/tree/boot && ls vmlinuz-* | tail -n 1)
mkdir -p /bake/tree/boot/grub
cat >/bake/tree/boot/grub/grub.cfg <<CFG
if serial --unit=0 --speed=115200; then terminal_output console serial; fi
echo "Booting $kernel"
linux /boot/$kernel root=LABEL=jeroboam-root ro console=tty0 console=ttyS0,115200n8
initrd /boot/initrd.img-${kernel#vmlinuz-}
boot
CFG
cat >"$work/early.cfg" <<CFG
search --no-floppy --label jeroboam-root --set=root
set prefix=(\$root)/boot/grub
CFG
modules="part_gpt ext2 search search_label normal configfile linux serial terminal echo test"
grub-mkimage -O i386-pc -o "$work/core.img" -p /boot/grub -c "$work/early.cfg" biosdisk $modules
grub-mkimage -O x86_64-efi -o "$work/BOOTX64.EFI" -p /boot/grub -c "$work/early.cfg" fat efi_gop efi_uga $modules
[ "$(stat -c %s "$work/core.img")" -le $(((efi_at - core_at) * 512)) ]

mib=$(($(du -sm /bake/tree | cut -f1) * 110 / 100 + 64))
truncate -s "$((root_at / 2048 + mib + 1))M" "$out"
sfdisk -q "$out" <<TABLE
label: gpt
start=$core_at, size=$((efi_at - core_at)), type=21686148-6449-6E6F-744E-656564454649, name=grub
start=$efi_at, size=$efi_sectors, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name=efi
start=$root_at, size=$((mib * 2048)), type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, name=root
TABLE
mke2fs -q -F -t ext4 -m 0 -L jeroboam-root -O ^metadata_csum_seed,^orphan_file -E "offset=$((root_at * 512))" \
  -d /bake/tree "$out" "${mib}M"

truncate -s "$((efi_sectors * 512))" "$work/efi"
mkfs.vfat -F 32 -s 1 -n JEROBOAMEFI "$work/efi" >/dev/null
mmd -i "$work/efi" ::/EFI ::/EFI/BOOT
mcopy -i "$work/efi" "$work/BOOTX64.EFI" ::/EFI/BOOT/BOOTX64.EFI
put() { dd of="$out" bs=1 conv=notrunc status=none "$@"; }
dd if="$work/efi" of="$out" bs=512 seek=$efi_at conv=notrunc,sparse status=none

# The boot sector: GRUB's code before the partition table; at 0x5c where the core image begins; at 0x66 two bytes that make it look at the
# number of the disk that the BIOS gives. The core image's first sector says at 0x1f4 where its rest is.
dd if="$work/core.img" of="$out" bs=512 seek=$core_at conv=notrunc status=none
put if=/usr/lib/grub/i386-pc/boot.img count=440
printf '\000\010\000\000\000\000\000\000' | put seek=$((0x5c))
printf '\220\220' | put seek=$((0x66))
printf '\001\010\000\000\000\000\000\000' | put seek=$((core_at * 512 + 0x1f4))
rm -rf "$work"
