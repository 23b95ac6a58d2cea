#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Finds out what the kernel at hand offers, by compiling one tiny file for each
# difference with the kernel's own build system.
#
#   probe.sh KDIR OUT
#
# Each probes/NAME.c that compiles without a warning becomes
# "#define HMMODP_HAVE_<NAME> 1" in OUT/config.h. All are compiled by one make.
#
# A probe can fail for the wrong reason (no compiler, a broken header), and its
# answer would be a silent lie. So these must hold, or the build stops:
#   control_good.c compiles; control_bad_*.c do not; and so does one file with
#   the #include lines of all probes except header_*.c, which ask for a header.
# OUT/probe.log keeps what the compiler said.
set -eu

kdir=$1 out=$2
here=$(cd "$(dirname "$0")" && pwd)
work=$out/probe
log=$out/probe.log

die() {
	echo "compat: $*" >&2
	echo "compat: the compiler's words are in $log" >&2
	rm -f "$out/config.h"
	exit 1
}

rm -rf "$work"
mkdir -p "$work"
cp "$here"/probes/*.c "$work"
for f in "$here"/probes/*.c; do
	case ${f##*/} in
	header_*) ;;
	*) sed -n '/^#include/p' "$f" ;;
	esac
done | awk '!seen[$0]++' > "$work/control_includes.c"

names=$(cd "$work" && echo *.c | sed 's/\.c\b//g')
objects=$(for n in $names; do echo "$n.o"; done)
{
	# shellcheck disable=SC2086 # a list
	echo obj-m := $objects
	echo "ccflags-y := -Werror -Wno-unused -Wno-missing-prototypes -Wno-missing-declarations"
} > "$work/Kbuild"

# Fails whenever one probe does, which is nothing to stop at.
# shellcheck disable=SC2086
"${MAKE:-make}" -k -C "$kdir" M="$work" C=0 CONFIG_DEBUG_INFO_BTF_MODULES= \
	$objects > "$log" 2>&1 || true

has() { [ -s "$work/$1.o" ]; }
has control_good || die "a probe that must compile does not: no probe can be believed"
for n in $names; do
	case $n in
	control_bad_*) ! has "$n" || die "$n.c must not compile, but does" ;;
	esac
done
has control_includes || die "some header that a probe includes does not exist or is broken"

{
	echo "/* Made by probe.sh for $(cat "$kdir/include/config/kernel.release"), do not edit */"
	for n in $names; do
		case $n in control_*) continue ;; esac
		u=$(echo "$n" | tr '[:lower:]' '[:upper:]')
		if has "$n"; then
			echo "#define HMMODP_HAVE_$u 1"
		else
			echo "/* HMMODP_HAVE_$u is not set */"
		fi
	done
} > "$out/config.h.new"
mv "$out/config.h.new" "$out/config.h"
rm -rf "$work"
n=$(grep -c HAVE_ "$out/config.h") || true
echo "compat: $(grep -c '^#define' "$out/config.h") of $n probed features present"
