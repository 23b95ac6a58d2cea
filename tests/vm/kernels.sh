# SPDX-License-Identifier: GPL-2.0
# The kernels: which releases, their packages, and what a guest boots from.

KERNELS=(6.1 6.12 7)
declare -A RELEASE=()	# of a kernel name: 7 -> 7.x.y-amd64
declare -A KERNEL_DIR	# its vmlinuz, initrd, modules.img and lib/modules

# Modules without which the guest finds no disk, console or shared folder.
BOOT_MODULES="virtio_pci virtio_blk virtio_console ext4 crc32c_generic overlay 9p 9pnet_virtio virtio_rng"

# pick_kernels: the release of each kernel is what the package linux-image-amd64
# stands for, or else the newest for which there are headers too
pick_kernels() {
	local k r all meta
	all=$(apt-cache "${APT[@]}" pkgnames linux-)
	meta=$(apt-cache "${APT[@]}" show linux-image-amd64 | sed -n 's/^Depends: //p') || true
	for k in "${KERNELS[@]}"; do
		for r in $(kernel_releases "$k" <<< "$meta") $(kernel_releases "$k" <<< "$all"); do
			grep -qxF "linux-headers-$r" <<< "$all" || continue
			RELEASE[$k]=$r
			break
		done
		[ -n "${RELEASE[$k]:-}" ] || die "no kernel $k with headers among the packages of $MIRROR; see $CACHE/log/apt.log"
	done
}
kernel_releases() { # NAME < package names: releases of that series, newest first
	grep -oE "linux-image-${1//./\\.}[.+-][0-9a-z.+~-]*-amd64" | sed 's/linux-image-//' |
		grep -v -e unsigned -e -cloud- -e -rt- -e '+deb12' | sort -Vr || true
}

prepare_kernel() { # NAME
	[ "$1" != debug ] || { prepare_debug_kernel; return; }
	local r=${RELEASE[$1]}
	product "KERNEL_DIR[$1]" "kernel-$1" \
		"$(key "$r" "$BOOT_MODULES" "$(declare -f build_kernel finish_kernel make_initrd make_image)" "$(cat "$VM/guest/initramfs-init")")" \
		"fetching kernel $r" build_kernel "$r"
}
build_kernel() { # RELEASE DIR
	local r=$1 d=$2 p
	mkdir -p "$d/deb" "$d/x" "$d/lib/modules"
	# since 7.x the image package is only a shell around the others
	for p in linux-image linux-binary linux-modules linux-base; do
		[ -z "$(apt-cache "${APT[@]}" pkgnames "$p-$r")" ] || (cd "$d/deb" && apt-get "${APT[@]}" download "$p-$r")
	done
	for p in "$d"/deb/*.deb; do dpkg-deb -x "$p" "$d/x"; done
	mv "$(find "$d/x" -path '*/lib/modules/*' -name "$r" -type d)" "$d/lib/modules/"
	cp "$(find "$d" -name 'vmlinuz*' -type f | head -n 1)" "$d/vmlinuz"
	cp "$(find "$d" -name 'config*' -path "*$r*" -type f | head -n 1)" "$d/config"
	rm -rf "$d/x" "$d/deb" "$d/lib/modules/$r"/{build,source,vmlinuz}
	# unpacked once here, not at every modprobe of a guest
	find "$d/lib/modules" -name '*.ko.xz' -printf "/host%p\0" | tool xargs -0r -P "$(nproc)" -n 64 xz -d
	find "$d/lib/modules" -name '*.ko.zst' -printf "/host%p\0" | tool xargs -0r -P "$(nproc)" -n 64 zstd -q -d --rm
	finish_kernel "$r" "$d"
}
# finish_kernel RELEASE DIR: DIR has vmlinuz, config and lib/modules; add the rest
finish_kernel() {
	local r=$1 d=$2
	tool depmod -b "/host$d" "$r"
	make_initrd "$d" "$r"
	mkdir -p "$d/tree/usr/lib" "$d/tree/boot"
	cp -al "$d/lib/modules" "$d/tree/usr/lib/"
	cp "$d/config" "$d/tree/boot/config-$r"
	make_image "$d/tree" "$d/modules.img"
	rm -rf "$d/tree"
}

# The initramfs: busybox, the modules in the order of loading, init. It is not
# compressed: QEMU loads it in less time than the guest would take to unpack it.
make_initrd() { # DIR RELEASE
	local d=$1 r=$2 m ko
	mkdir -p "$d/ir"/{bin,mod,proc,sys,dev,lower,mods,payload,rw,new}
	cp "$TOOLBOX/usr/bin/busybox" "$d/ir/bin/busybox"
	ln -s busybox "$d/ir/bin/sh"
	for m in $BOOT_MODULES; do # one that this kernel knows nothing of is no error
		tool modprobe -d "/host$d" -S "$r" -D -q "$m" || true
	done > "$d/ir/found" # "insmod FILE" or "builtin NAME"
	[ -s "$d/ir/found" ]
	sed -n 's/^insmod \/host\([^ ]*\).*/\1/p' "$d/ir/found" | awk '!seen[$0]++' | while read -r ko; do
		cp "$ko" "$d/ir/mod/"
		basename "$ko"
	done > "$d/ir/mod/order"
	rm "$d/ir/found"
	install -m 755 "$VM/guest/initramfs-init" "$d/ir/init"
	tool sh -ec 'cd "$1" && find . | cpio -o -H newc --quiet' sh "/host$d/ir" > "$d/initrd"
	rm -rf "$d/ir"
}

# make_image TREE IMAGE: ext4, because reading it costs the guest neither
# unpacking (squashfs) nor a request for every path name (9p)
make_image() {
	local kb
	kb=$(du -sk --apparent-size "$1" | cut -f1)
	truncate -s $((kb * 12 / 10 + $(find "$1" | wc -l) * 5 + 16384))K "$2.part"
	/sbin/mke2fs -q -t ext4 -O ^has_journal -m 0 -N $(($(find "$1" | wc -l) + 1000)) \
		-E root_owner=0:0 -d "$1" "$2.part"
	mv "$2.part" "$2"
}
