# SPDX-License-Identifier: GPL-2.0
# The newest rdma-core, of Debian sid: a tree of its own that the guest of the newest
# kernel gets as one more disk, and the provider built for it, in that guest's payload.
# Its tests run in there: tests/clients/pyverbs_newest.sh.

# Only tests want it: they set NEWEST_KERNEL to 7. A mirror need not have sid.
NEWEST_KERNEL='' NEWEST_TREE='' NEWEST_DISK='' NEWEST_PROVIDER=''

newest_known() {
	case $NEWEST_CORE_SOURCE in
	*/rdma-core_65.*) ;;
	*) say "sid has no rdma-core 65, and of another it is not known what to expect: left out"; return 1;;
	esac
}
newest_tree() { # sets NEWEST_TREE
	# another release is another tree
	# shellcheck disable=SC2046
	set -- $(packages newest) "$NEWEST_CORE_SOURCE"
	product NEWEST_TREE newest-tree "$(key "$@" "$(declare -f build_newest_tree debian_tree)")" \
		"making the tree of the newest rdma-core (Debian sid)" build_newest_tree
}
prepare_newest() {
	[ -n "$NEWEST_TREE" ] || return 0
	product NEWEST_DISK newest-disk "$(key "$NEWEST_TREE" "$(declare -f make_image)")" \
		"making its image" make_image "$NEWEST_TREE"
	prepare_rdma_core NEWEST_CORE "$NEWEST_CORE_SOURCE"
	product NEWEST_PROVIDER newest-provider \
		"$(key "$NEWEST_TREE" "$NEWEST_CORE" "$(tree_key "${USER_PARTS[@]}")")" \
		"building the provider for it" build_newest_provider
}
build_newest_tree() { # TREE
	# shellcheck disable=SC2046
	debian_tree sid "" "$1" $(packages newest)
}
build_newest_provider() { # DIR
	tool() { in_chroot "$NEWEST_TREE" "$@"; }
	RDMA_CORE=$NEWEST_CORE
	build_provider_in "$CACHE/build/newest" "$1"
}
