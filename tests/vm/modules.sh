# SPDX-License-Identifier: GPL-2.0
# Our kernel modules, built from a copy of kernel/ against a kernel's headers.

declare -A MODULES	# of a kernel name: folder of its *.ko

# seen from the chroot that builds
kernel_build_dir() { # NAME
	case $1 in
	debug) echo "/host${KERNEL_DIR[debug]}/build";;
	*) echo "/lib/modules/${RELEASE[$1]}/build";;
	esac
}
build_root() { case $1 in 6.1) echo "$OLD_CHROOT";; *) echo "$TOOLBOX";; esac; }

prepare_modules() { # NAME
	local r=${RELEASE[$1]} root kdir
	root=$(build_root "$1")
	kdir=$(kernel_build_dir "$1")
	product "MODULES[$1]" "modules-$1" "$(key "$r" "$root" "$kdir" "$(tree_key kernel)")" \
		"building the modules for $r" build_modules "$r" "$root" "$kdir"
}
build_modules() { # RELEASE CHROOT KDIR DIR
	local r=$1 root=$2 kdir=$3 out=$4 d=$CACHE/build/modules-$1
	# objects of other headers are of no use, whatever their times say
	[ "$(cat "$d/.kdir" 2> /dev/null)" = "$kdir" ] || rm -rf "$d"
	tree_copy "$d" kernel
	echo "$kdir" > "$d/.kdir"
	mkdir -p "$out"
	find "$d" -name '*.ko' -delete # only what this build makes is collected
	in_chroot "$root" make -j "$(nproc)" -C "/host$d/kernel" KDIR="$kdir"
	find "$d" -name '*.ko' -exec cp -t "$out" {} +
	in_chroot "$root" sh -c 'strip --strip-debug "$1"/*.ko' sh "/host$out"
}
