# SPDX-License-Identifier: GPL-2.0
# Debian trees made by mmdebstrap: the toolbox (trixie: compilers, kernel headers,
# QEMU; the same on every host), the older chroot that 6.1 modules need, and others'.

packages() { sed 's/#.*//' "$VM/packages/$1" | xargs -n 1; }

# debian_tree SUITE "EXTRA SUITES" TREE PACKAGE...: one that a crash leaves unfinished is
# made anew, so dpkg need not wait for the disk. INITRD is for a kernel that headers bring.
debian_tree() {
	local suite=$1 suites=$2 tree=$3 s; shift 3
	# shellcheck disable=SC2046,SC2086
	sources $suite $suites | INITRD=No mmdebstrap --mode=root --variant=minbase \
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

# prepare_trees KERNEL...: of several suites, none of which needs another; a package is
# unpacked by one processor, so they are made side by side.
prepare_trees() { # needs RELEASE[] of all kernels
	local tree pid pids=() rc=0 trees=(toolbox_tree guest_image)
	[[ " $* " != *" 6.1 "* ]] || trees+=(bookworm_tree)
	[[ -z $NEWEST_KERNEL || " $* " != *" $NEWEST_KERNEL "* ]] || ! newest_known || trees+=(newest_tree)
	set -m # a process group for each, by which to end it
	for tree in "${trees[@]}"; do
		"$tree" < /dev/null & pids+=($!)
	done
	set +m
	# shellcheck disable=SC2064
	trap "kill -- ${pids[*]/#/-} 2> /dev/null" EXIT
	trap 'exit 130' INT TERM HUP
	for pid in "${pids[@]}"; do wait "$pid" || rc=1; done
	trap - EXIT INT TERM HUP
	[ $rc = 0 ] || exit 1
	for tree in "${trees[@]}"; do "$tree"; done # they are there; where
}

toolbox_tree() { # sets TOOLBOX
	local list headers=()
	for list in 6.12 7; do headers+=("linux-headers-${RELEASE[$list]}"); done
	# shellcheck disable=SC2046
	set -- $(packages toolbox) "${headers[@]}"
	product TOOLBOX toolbox "$(key "$@" "$(declare -f debian_tree)")" \
		"making the toolbox chroot (Debian 13)" build_toolbox "$@"
}
bookworm_tree() { # sets OLD_CHROOT
	# shellcheck disable=SC2046
	set -- $(packages bookworm) "linux-headers-${RELEASE[6.1]}"
	product OLD_CHROOT bookworm "$(key "$@" "$(declare -f debian_tree)")" \
		"making the build chroot for 6.1 (Debian 12)" build_bookworm "$@"
}
# the last argument of a product's builder is the path to make
build_toolbox() { debian_tree trixie "trixie-security trixie-backports" "${!#}" "${@:1:$#-1}"; }
build_bookworm() { debian_tree bookworm bookworm-security "${!#}" "${@:1:$#-1}"; }
