# SPDX-License-Identifier: GPL-2.0
# Common ground of ./run: messages, logged steps, the cache and its lock.

# Errors of a command substitution count, as those of any other command.
shopt -s inherit_errexit

say() { printf '[%4d s] %s\n' "$SECONDS" "$*" >&2; }
die() { say "error: $*"; exit 1; }

# The invoking user's cache folder, also under sudo.
cache_default() {
	local home=${HOME:-/root}
	if [ "$(id -u)" = 0 ] && [ -n "${SUDO_USER:-}" ]; then
		home=$(getent passwd "$SUDO_USER" | cut -d: -f6)
		XDG_CACHE_HOME=
	fi
	echo "${XDG_CACHE_HOME:-$home/.cache}/hmmodp"
}
CACHE=${HMMODP_CACHE:-$(cache_default)}

need_root() {
	[ "$(id -u)" = 0 ] || die "needs root: sudo ./run $*"
	[ "$(uname -m)" = x86_64 ] || die "needs an x86-64 machine"
}

# It is removed and trimmed as a whole, so it must be ours: empty at first, and then
# marked as a cache for whoever makes backups too (https://bford.info/cachedir).
cache_ours() {
	grep -qs "by hmmodp" "$CACHE/CACHEDIR.TAG" || { [ -f "$CACHE/lock" ] && [ -d "$CACHE/log" ]; }
}

# A folder of caches that was not there yet is the user's, not root's.
cache_folder() {
	local parent
	[ ! -e "$CACHE" ] || [ -z "$(ls -A -I lost+found "$CACHE")" ] || cache_ours ||
		die "$CACHE is not empty, and no cache of hmmodp"
	parent=$(dirname "$CACHE")
	[ -e "$parent" ] || [ -z "${SUDO_USER:-}" ] ||
		install -d -m 700 -o "$SUDO_USER" -g "$(id -g "$SUDO_USER")" "$parent"
	mkdir -p "$CACHE/log"
	[ -e "$CACHE/CACHEDIR.TAG" ] || printf '%s\n' \
		'Signature: 8a477f597d28d172789f06e8b1aab35b' '# made by hmmodp' > "$CACHE/CACHEDIR.TAG"
}
# One preparation at a time in a cache; released before a guest is started.
cache_lock() {
	cache_folder
	CACHE=$(cd "$CACHE" && pwd -P)
	# neither make nor QEMU's lists of options could name it
	case $CACHE in *[[:space:],:]*) die "no spaces, commas or colons in the cache's name: $CACHE";; esac
	exec {CACHE_LOCK}> "$CACHE/lock"
	flock -n "$CACHE_LOCK" && return
	say "waiting for another preparation in $CACHE"
	flock "$CACHE_LOCK"
}
# What is prepared is used from now on, so that nobody removes it.
cache_unlock() {
	exec {CACHE_USE}> "$CACHE/use"
	flock -s "$CACHE_USE"
	exec {CACHE_LOCK}>&-
}
cache_remove() {
	cache_lock
	exec {CACHE_USE}> "$CACHE/use"
	flock -n "$CACHE_USE" || die "$CACHE is in use"
	say "removing $CACHE"
	# but for what others may be waiting for
	find "$CACHE" -mindepth 1 -maxdepth 1 ! -name lock ! -name use ! -name CACHEDIR.TAG \
		-exec rm -rf --one-file-system {} +
}

# logged TITLE LOG COMMAND...: run COMMAND with its output in the log file; show
# the end of it and give up when it fails. Never call it as part of a condition:
# that would switch off "exit on error" inside COMMAND.
logged() {
	local title=$1 log=$CACHE/log/$2.log start=$SECONDS rc; shift 2
	say "$title"
	set +e
	( set -eu -o pipefail; "$@" ) > "$log" 2>&1
	rc=$?
	set -e
	if [ $rc != 0 ]; then
		tail -n 30 "$log" | sed 's/^/    /' >&2
		die "$title failed ($rc); all of its output is in $log"
	fi
	[ $((SECONDS - start)) -lt 3 ] || say "    done in $((SECONDS - start)) s"
}

# key WORD...: a short hash of words; of standard input without words
key() {
	if [ $# -gt 0 ]; then printf '%s\n' "$@"; else cat; fi | sha256sum | cut -c1-12
}

# product VAR NAME KEY TITLE BUILDER [ARG...]: VAR becomes the path of the cached
# product NAME-KEY. Where there is none, "BUILDER ARG... PATH" makes it under
# another name first, so that an interrupted build leaves nothing half-valid.
product() {
	local -n product_path=$1
	local name=$2 title=$4 path=$CACHE/$2-$3; shift 4
	product_path=$path
	if [ ! -e "$path" ]; then
		rm -rf --one-file-system "$path.new"
		logged "$title" "$name" "$@" "$path.new"
		mv "$path.new" "$path"
	fi
	touch -c "$path.used"; : > "$path.used"
}

# What no run has used for two weeks goes; so do results, and what was never finished.
cache_trim() {
	local used
	find "$CACHE" -maxdepth 1 -name '*.used' -mtime +14 | while read -r used; do
		rm -rf --one-file-system "${used%.used}" "$used"
	done
	find "$CACHE" "$CACHE/out" -mindepth 1 -maxdepth 1 \( -name '*.new' -o -path "$CACHE/out/*" \) \
		-mtime +14 -exec rm -rf --one-file-system {} + 2> /dev/null || true
}

# tree_files PATH...: the source files below these folders of the tree, not what
# a build in the tree left there
tree_files() {
	cd "$TREE"
	if git -c safe.directory='*' rev-parse --git-dir > /dev/null 2>&1; then
		git -c safe.directory='*' ls-files -co --exclude-standard -- "$@"
	else # an unpacked archive
		find "$@" -type f ! -name '*.o' ! -name '*.ko' ! -name '*.mod*' ! -name '.*.cmd' \
			! -path '*/compat/generated/*' ! -path '*/build/*' 2> /dev/null || true
	fi | while read -r f; do [ ! -f "$f" ] || echo "$f"; done | sort
}
tree_key() { # of names, contents and modes
	cd "$TREE"
	tree_files "$@" | { xargs -rd '\n' stat -c '%a %n'; tree_files "$@" | xargs -rd '\n' sha256sum; } | key
}

# tree_copy DEST PATH...: bring a copy of these source files up to date. Files of
# equal content keep their times and objects beside them stay, so that make
# rebuilds what changed; files that left the tree leave the copy.
tree_copy() {
	local dest=$1; shift
	mkdir -p "$dest"
	tree_files "$@" > "$dest/.files.new"
	if [ -e "$dest/.files" ]; then
		comm -23 "$dest/.files" "$dest/.files.new" | (cd "$dest" && xargs -rd '\n' rm -f)
	fi
	(
		cd "$TREE"
		while read -r f; do
			cmp -s "$f" "$dest/$f" && [ "$(stat -c %a "$f")" = "$(stat -c %a "$dest/$f")" ] && continue
			mkdir -p "$dest/$(dirname "$f")"
			cp "$f" "$dest/$f"
		done < "$dest/.files.new"
	)
	mv "$dest/.files.new" "$dest/.files"
}
