# SPDX-License-Identifier: GPL-2.0
# The debug kernel: Debian's source, built here with all that finds bugs; see
# debug.config. It is named "debug" and not among KERNELS, so only who asks for
# it pays for its build.

DEBUG_SERIES=6.12

pick_debug_kernel() { # sets DEBUG_SOURCE (PACKAGE=VERSION, or nothing) and RELEASE[debug]
	local p=linux-source-$DEBUG_SERIES v
	DEBUG_SOURCE=
	v=$(apt-cache "${APT[@]}" policy "$p" | sed -n 's/^ *Candidate: \([0-9].*\)/\1/p')
	[ -n "$v" ] || return 0
	DEBUG_SOURCE=$p=$v
	RELEASE[debug]=${v%%-*}-debug
}

prepare_debug_kernel() {
	[ -n "$DEBUG_SOURCE" ] || die "no linux-source-$DEBUG_SERIES among the package sources"
	product "KERNEL_DIR[debug]" kernel-debug \
		"$(key "$DEBUG_SOURCE" "$BOOT_MODULES" \
			"$(declare -f build_debug_kernel debug_make unpack_debug_source configure_debug_kernel finish_kernel make_initrd make_image)" \
			"$(cat "$VM/debug.config" "$VM/guest/initramfs-init")")" \
		"building the debug kernel, which takes long" \
		build_debug_kernel "${RELEASE[debug]}" "$CACHE/kernel-debug-objects"
}
# The chroot has what no other build needs; it is made when the kernel is.
prepare_debug_chroot() {
	# shellcheck disable=SC2046
	set -- $(packages debug)
	product DEBUG_CHROOT debug-chroot "$(key "$@" "$(declare -f debian_tree)")" \
		"making the debug kernel's build chroot (Debian 13)" build_debug_chroot "$@"
}
build_debug_chroot() { debian_tree trixie trixie-security "${!#}" "${@:1:$#-1}"; }

# Source and objects stay, so that another debug.config builds what it changes.
build_debug_kernel() { # RELEASE OBJECTS DIR
	local r=$1 o=$2 d=$3
	prepare_debug_chroot
	unpack_debug_source "$o"
	configure_debug_kernel "$o" "$r"
	debug_make "$o" -j "$(nproc)" bzImage modules
	mkdir -p "$d"
	debug_make "$o" INSTALL_MOD_PATH="/host$d" modules_install
	# what modules are built with, as a kernel's header package has it
	debug_make "$o" run-command KBUILD_RUN_COMMAND="scripts/package/install-extmod-build /host$d/build"
	cp "$o/src/arch/x86/boot/bzImage" "$d/vmlinuz"
	cp "$o/src/.config" "$d/config"
	rm -f "$d/lib/modules/$r"/{build,source}
	finish_kernel "$r" "$d"
}
debug_make() { # OBJECTS ARG...
	local src=$1/src; shift
	in_chroot "$DEBUG_CHROOT" make -C "/host$src" \
		KBUILD_BUILD_USER=hmmodp KBUILD_BUILD_HOST=hmmodp "$@"
}
unpack_debug_source() { # OBJECTS
	: > "$1.used"
	[ "$(cat "$1/package" 2> /dev/null)" != "$DEBUG_SOURCE" ] || return 0
	rm -rf --one-file-system "$1"
	mkdir -p "$1/src" "$1/x"
	(cd "$1/x" && apt-get "${APT[@]}" download "$DEBUG_SOURCE")
	dpkg-deb -x "$1"/x/*.deb "$1/x"
	# without the largest folder that nothing here reads
	in_chroot "$DEBUG_CHROOT" sh -ec 'tar -C "$1/src" --strip-components=1 -xf "$1"/x/usr/src/*.tar.xz \
		--exclude="linux-*/drivers/gpu/drm/amd/include"' sh "/host$1"
	rm -r "$1/x"
	echo "$DEBUG_SOURCE" > "$1/package"
}
configure_debug_kernel() { # OBJECTS RELEASE
	local lost
	cp "$VM/debug.config" "$1/debug.config"
	debug_make "$1" KCONFIG_ALLCONFIG="/host$1/debug.config" allnoconfig
	# an option whose conditions do not hold is dropped without a word
	lost=$(grep '^CONFIG_' "$1/debug.config" | grep -vxFf "$1/src/.config") || true
	[ -z "$lost" ] || { echo "these lines of debug.config do not hold:"; echo "$lost"; return 1; }
	[ "$(debug_make "$1" -s kernelrelease)" = "$2" ] || { echo "this source is not $2"; return 1; }
}
