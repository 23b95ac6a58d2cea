#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# get-rdma-core.sh DIR - unpack the source of the installed rdma-core into DIR
#
# The version is that of the installed libibverbs1, else of the one apt would
# install. Only upstream's archive is fetched, from where apt says, and checked
# against the SHA256 that apt knows. Where apt has no lists of sources, they are
# fetched from the configured repositories to a place of this script's own, so
# that nothing of the system's apt is changed. Does nothing if DIR already
# holds that version. For Debian and its like; needs apt, and curl or wget or
# apt's own downloader.
set -eu
export LC_ALL=C

die() { echo "get-rdma-core: $*" >&2; exit 1; }
[ $# -eq 1 ] || die "usage: get-rdma-core.sh DIR"
dir=$1

version=$(dpkg-query -W -f '${source:Version}' libibverbs1 2>/dev/null || :)
if [ -z "$version" ]; then
	version=$(apt-cache show --no-all-versions libibverbs1 2>/dev/null |
		sed -n 's/^Version: //p') || :
	[ -n "$version" ] || die "apt knows no libibverbs1; try apt-get update"
fi
[ "$(cat "$dir/.version" 2>/dev/null)" = "$version" ] && exit 0

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

uris() { apt-get "$@" --print-uris -qq source "rdma-core=$version" 2>"$tmp/err"; }

# Ask the configured repositories for their sources, one that has none or fails
# notwithstanding.
own_lists() {
	mkdir -p "$tmp/lists/partial" "$tmp/parts"
	for f in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
		case $f in
		*.sources) sed 's/^Types:.*/Types: deb-src/' "$f" ;;
		*.list) sed -n 's/^deb\(-src\)\{0,1\}[[:space:]]/deb-src /p' "$f" ;;
		esac >"$tmp/parts/${f##*/}" 2>/dev/null || :
	done
	set -- -o Dir::Etc::SourceList=/dev/null \
		-o "Dir::Etc::SourceParts=$tmp/parts" -o "Dir::State::Lists=$tmp/lists" \
		-o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
		-o Acquire::Languages=none -o APT::Sandbox::User=root \
		-o APT::Update::Post-Invoke-Success::= -o APT::Update::Post-Invoke::=
	apt-get "$@" -qq update >/dev/null 2>"$tmp/err" || :
	uris "$@"
}

found=$(uris || own_lists) ||
	die "no source of rdma-core $version: $(tail -n 1 "$tmp/err")"
line=$(echo "$found" | grep '\.orig\.tar') ||
	die "apt lists no upstream archive of rdma-core $version"

uri=$(echo "$line" | cut -d "'" -f 2)
sum=$(echo "$line" | sed -n 's/.*SHA256:\([0-9a-f]\{64\}\).*/\1/p')
[ -n "$sum" ] || die "apt knows no SHA256 of $uri"
file=$tmp/${uri##*/}

if command -v curl >/dev/null; then
	curl -fsSL -o "$file" "$uri"
elif command -v wget >/dev/null; then
	wget -q -O "$file" "$uri"
else
	/usr/lib/apt/apt-helper -o APT::Sandbox::User=root -qq \
		download-file "$uri" "$file" "SHA256:$sum" >&2
fi || die "could not fetch $uri.
The source of another release with the same private ABI (rdmavNN; CMake checks
that) will do, but extended queue pairs may then be refused at run time."
echo "$sum  $file" | sha256sum -c --quiet >&2 || die "wrong checksum: $uri"

mkdir -p "$tmp/src" "$dir"
tar -xf "$file" -C "$tmp/src" --strip-components=1
[ -f "$tmp/src/libibverbs/driver.h" ] || die "$uri is not rdma-core"
cp -a "$tmp/src/." "$dir/"
echo "$version" >"$dir/.version"
echo "rdma-core $version is in $dir"
