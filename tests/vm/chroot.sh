# SPDX-License-Identifier: GPL-2.0
# Debian trees made by mmdebstrap: the toolbox (trixie: compilers, kernel headers,
# QEMU; the same on every host) and the older chroot that 6.1 modules need.

packages() { sed 's/#.*//' "$VM/packages/$1" | xargs -n 1; }

# debian_tree SUITE "EXTRA SUITES" TREE PACKAGE...: one that a crash leaves unfinished is
# made anew, so dpkg need not wait for the disk
debian_tree() {
	local suite=$1 suites=$2 tree=$3 s; shift 3
	apt_network_conf > "$CACHE/apt/network.conf"
	# shellcheck disable=SC2046,SC2086
	sources $suite $suites | mmdebstrap --mode=root --variant=minbase \
		--include="$(echo "$@" | tr ' ' ',')" \
		--aptopt="$CACHE/apt/network.conf" \
		--aptopt='APT::Install-Recommends "false"' \
		--aptopt='Acquire::Languages "none"' \
		--dpkgopt='force-unsafe-io' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		"$suite" "$tree" -
	rm -rf "$tree"/var/cache/apt/*.bin "$tree"/etc/apt/apt.conf.d/99mmdebstrap
	mkdir -p "$tree/host"
}

# in_chroot TREE COMMAND...: this machine's files are at /host. VM_LIMIT, if set,
# is the seconds it may take.
in_chroot() {
	local tree=$1; shift
	${VM_LIMIT:+exec timeout --foreground -k 5 "$VM_LIMIT"} unshare -m --propagation private sh -ec '
		tree=$1; shift
		mount --rbind / "$tree/host"
		mount -t proc proc "$tree/proc"
		mount --rbind /dev "$tree/dev"
		exec env PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TMPDIR=/tmp chroot "$tree" "$@"
	' in_chroot "$tree" "$@"
}
tool() { in_chroot "$TOOLBOX" "$@"; }

# Sets TOOLBOX; and OLD_CHROOT when the kernels include 6.1.
prepare_chroots() { # needs RELEASE[] of the kernels wanted
	local list headers=()
	for list in 6.12 7; do headers+=("linux-headers-${RELEASE[$list]}"); done
	# shellcheck disable=SC2046
	set -- $(packages toolbox) "${headers[@]}"
	product TOOLBOX toolbox "$(key "$@" "$(declare -f debian_tree)")" \
		"making the toolbox chroot (Debian 13)" build_toolbox "$@"
	# shellcheck disable=SC2046
	set -- $(packages bookworm) "linux-headers-${RELEASE[6.1]}"
	product OLD_CHROOT bookworm "$(key "$@" "$(declare -f debian_tree)")" \
		"making the build chroot for 6.1 (Debian 12)" build_bookworm "$@"
}
# the last argument of a product's builder is the path to make
build_toolbox() { debian_tree trixie "trixie-security trixie-backports" "${!#}" "${@:1:$#-1}"; }
build_bookworm() { debian_tree bookworm bookworm-security "${!#}" "${@:1:$#-1}"; }
