# SPDX-License-Identifier: GPL-2.0
# Our kernel modules, built from a copy of kernel/ against a kernel's headers.

declare -A MODULES	# of a kernel name: folder of its *.ko

build_root() { case $1 in 6.1) echo "$OLD_CHROOT";; *) echo "$TOOLBOX";; esac; }

prepare_modules() { # NAME
	local r=${RELEASE[$1]} root
	root=$(build_root "$1")
	product "MODULES[$1]" "modules-$1" "$(key "$r" "$root" "$(tree_key kernel)")" \
		"building the modules for $r" build_modules "$r" "$root"
}
build_modules() { # RELEASE CHROOT DIR
	local r=$1 root=$2 out=$3 d=$CACHE/build/modules-$1
	tree_copy "$d" kernel
	mkdir -p "$out"
	[ -e "$d/kernel/Makefile" ] || { echo "no kernel/Makefile yet"; return; }
	find "$d" -name '*.ko' -delete # only what this build makes is collected
	in_chroot "$root" make -j "$(nproc)" -C "/host$d/kernel" "KDIR=/lib/modules/$r/build"
	find "$d" -name '*.ko' -exec cp -t "$out" {} +
	in_chroot "$root" sh -c 'strip --strip-debug "$1"/*.ko' sh "/host$out"
}
