# SPDX-License-Identifier: GPL-2.0
# run lint: the kernel's own style checker and sparse over kernel/, in a chroot of
# their own. Fails on any word of either.

lint() {
	local rc=0
	[ $# = 0 ] || usage
	prepare
	[ -n "$DEBUG_SOURCE" ] || die "no source of the kernel, which has checkpatch, among the package sources"
	cache_lock
	# shellcheck disable=SC2046
	set -- $(packages lint) "linux-headers-${RELEASE[6.12]}"
	product LINT_CHROOT lint "$(key "$@" "$(declare -f debian_tree)")" \
		"making the chroot of the checkers" build_lint "$@"
	product CHECKPATCH checkpatch "$(key "$DEBUG_SOURCE" "$(declare -f build_checkpatch)")" \
		"fetching checkpatch" build_checkpatch
	lint_style || rc=1
	lint_sparse || rc=1
	cache_unlock
	[ $rc = 0 ] || die "there is something to mend"
	say "nothing to mend"
}
build_lint() { debian_tree trixie "trixie-security trixie-backports" "${!#}" "${@:1:$#-1}"; }

# The script and its lists, out of Debian's source of the kernel.
build_checkpatch() { # DIR
	local deb
	mkdir -p "$1"
	(cd "$1" && apt-get "${APT[@]}" download "$DEBUG_SOURCE")
	deb=$(find "$1" -name '*.deb')
	dpkg-deb --fsys-tarfile "$deb" | tar -xO --wildcards './usr/src/linux-source-*.tar.xz' |
		tool tar -xJC "/host$1" --strip-components=2 --wildcards \
			'*/scripts/checkpatch.pl' '*/scripts/spelling.txt' '*/scripts/const_structs.checkpatch'
	rm "$deb"
}

lint_style() {
	local found
	say "checkpatch --strict"
	# SPDX and the like are for the kernel's own tree; an empty answer is a clean file
	found=$(cd "$TREE" && tree_files kernel | grep '\.[ch]$' | sed "s|^|/host$TREE/|" |
		in_chroot "$LINT_CHROOT" xargs -rd '\n' perl "/host$CHECKPATCH/checkpatch.pl" \
			--no-tree --strict --terse --show-types -f 2>&1 | grep -v '^total:') || true
	[ -n "$found" ] || return 0
	echo "${found//\/host$TREE\//}"
	return 1
}
lint_sparse() {
	local d=$CACHE/build/sparse log=$CACHE/log/sparse.log found
	say "sparse"
	tree_copy "$d" kernel
	in_chroot "$LINT_CHROOT" make -j "$(nproc)" -C "/host$d/kernel" C=2 CF=-D__CHECK_ENDIAN__ \
		"KDIR=/lib/modules/${RELEASE[6.12]}/build" > "$log" 2>&1 || { tail -n 20 "$log"; return 1; }
	found=$(grep -E '^/host.*(warning|error):' "$log") || true
	[ -n "$found" ] || return 0
	echo "$found" | sed "s|^/host$d/||"
	return 1
}
