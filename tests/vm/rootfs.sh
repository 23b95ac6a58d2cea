# SPDX-License-Identifier: GPL-2.0
# The guest's root file system: an ext4 image of Debian 13, the same for all
# kernels. Ours (modules, provider, tests) is laid over it at boot; see payload.sh.

guest_image() { # sets ROOTFS
	# shellcheck disable=SC2046
	set -- $(packages guest)
	product ROOTFS rootfs "$(key "$@" "$(declare -f build_rootfs debian_tree make_image)")" \
		"making the guest's root image" build_rootfs "$@"
}
build_rootfs() {
	local img=${!#} tree=${!#}.tree
	rm -rf --one-file-system "$tree"
	debian_tree trixie "" "$tree" "${@:1:$#-1}"
	mkdir -p "$tree/mnt/share" "$tree/mnt/out" "$tree/usr/lib/modules"
	rmdir "$tree/host"
	echo hmmodp > "$tree/etc/hostname"
	echo "127.0.0.1 localhost hmmodp" > "$tree/etc/hosts"
	make_image "$tree" "$img"
	rm -rf --one-file-system "$tree"
}
